using Bitis.Files;
using Bitis.Onnx.Exporting;
using Bitis.Onnx.Reading;
using Bitis.Onnx.Writing;

namespace Bitis;

/// <summary>Writes models as ONNX files, which other runtimes run, and opens such files again.</summary>
public static class OnnxModel
{
    /// <summary>Writes a float32 model. An existing file is replaced once the new one is complete.</summary>
    /// <remarks>A model of more than 2 GB has a second file beside it, with its weights.</remarks>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">What the file should be like; null for a file that most runtimes read.</param>
    /// <param name="cancellationToken">Ends the writing; no partial file remains.</param>
    /// <returns>The length of the files in bytes.</returns>
    /// <exception cref="BitisException">
    /// The file cannot be written, an option is out of its range, or an operator cannot be exported.
    /// </exception>
    public static long Export(
        VisionModel model, string path, OnnxOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return OnnxFile.Write(FloatExport.Build(model, options ?? OnnxOptions.Default), path, cancellationToken);
    }

    /// <summary>Writes a quantized model. An existing file is replaced once the new one is complete.</summary>
    /// <remarks>
    /// Its products with weights are in integers. What ONNX cannot say in integers, such as quantized scans, is
    /// computed in floating point on the same numbers.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">What the file should be like; null for a file that most runtimes read.</param>
    /// <param name="cancellationToken">Ends the writing; no partial file remains.</param>
    /// <returns>The length of the files in bytes.</returns>
    /// <exception cref="BitisException">
    /// The file cannot be written, an option is out of its range, or an operator cannot be exported.
    /// </exception>
    public static long Export(
        QuantizedModel model, string path, OnnxOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return OnnxFile.Write(QuantizedExport.Build(model, options ?? OnnxOptions.Default), path, cancellationToken);
    }

    /// <summary>Opens a float32 model that was exported.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">
    /// The file is damaged, holds a quantized model, or is not of Bitis.
    /// </exception>
    public static VisionModel Load(string path, CancellationToken cancellationToken = default) =>
        OnnxReader.Load(path, cancellationToken);
}
