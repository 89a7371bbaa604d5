using Bitis.Data.Decoding;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Models;
using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Files;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis;

/// <summary>A quantized model: the result of a recipe on a float model.</summary>
public sealed class QuantizedModel
{
    /// <summary>Creates a model.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="preprocessing">How images become its input.</param>
    /// <param name="classNames">The classes' names, or null if unknown.</param>
    /// <param name="recipe">The recipe that it was quantized with.</param>
    /// <param name="calibration">The images it was calibrated with.</param>
    /// <param name="weights">The parameters that stayed float32, by name.</param>
    /// <param name="layers">The quantized layers, by the name of their node.</param>
    /// <param name="scans">The quantized scans, by the name of their node.</param>
    internal QuantizedModel(
        ModelConfig config,
        Preprocessing preprocessing,
        IReadOnlyList<string>? classNames,
        Recipe recipe,
        CalibrationDigest calibration,
        IReadOnlyDictionary<string, FloatTensor> weights,
        IReadOnlyDictionary<string, QuantizedLayer> layers,
        IReadOnlyDictionary<string, QuantizedScan> scans)
    {
        Config = config;
        Graph = NormFolding.OfAnswer(config.BuildGraph()).Graph;
        Preprocessing = preprocessing;
        ClassNames = classNames;
        Recipe = recipe;
        Calibration = calibration;
        Weights = weights;
        Layers = layers;
        Scans = scans;
    }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>The model's graph of operators.</summary>
    /// <remarks>
    /// Batch norms are part of the layers before them. What only training needs, such as an auxiliary head, is left
    /// out.
    /// </remarks>
    public Graph Graph { get; }

    /// <summary>How images become its input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The classes' names, by index; null if unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; }

    /// <summary>The recipe that it was quantized with.</summary>
    public Recipe Recipe { get; }

    /// <summary>The images it was calibrated with.</summary>
    internal CalibrationDigest Calibration { get; }

    /// <summary>The parameters that stayed float32, by name.</summary>
    public IReadOnlyDictionary<string, FloatTensor> Weights { get; }

    /// <summary>The quantized layers, by the name of their node.</summary>
    internal IReadOnlyDictionary<string, QuantizedLayer> Layers { get; }

    /// <summary>The quantized scans, by the name of their node; empty in scope <see cref="Scope.Linear"/>.</summary>
    internal IReadOnlyDictionary<string, QuantizedScan> Scans { get; }

    /// <summary>Whether a file is a quantized model; false for all other files, and for damaged ones.</summary>
    public static bool IsQuantized(string path) => QuantizedModelFile.IsQuantized(path);

    /// <summary>Reads a <c>.bitis</c> file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="BitisException">
    /// The file is not a quantized model, is damaged, or is of a later version.
    /// </exception>
    public static QuantizedModel Load(string path, CancellationToken cancellationToken = default) =>
        QuantizedModelFile.Load(path, cancellationToken);

    /// <summary>Writes a <c>.bitis</c> file. An existing file is replaced once the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the writing; no partial file remains.</param>
    /// <returns>The length of the file in bytes.</returns>
    /// <exception cref="BitisException">The file cannot be written.</exception>
    public long Save(string path, CancellationToken cancellationToken = default) =>
        QuantizedModelFile.Save(this, path, cancellationToken);

    /// <summary>Writes the bytes of a <c>.bitis</c> file to a stream, at its current position.</summary>
    /// <param name="stream">The stream; it stays open.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>The length in bytes.</returns>
    public long Save(Stream stream, CancellationToken cancellationToken = default) =>
        QuantizedModelFile.Save(this, stream, cancellationToken);

    /// <summary>All parameters as float32, with levels of weights and codes of A dequantized.</summary>
    public IReadOnlyDictionary<string, FloatTensor> DequantizeWeights()
    {
        var all = new Dictionary<string, FloatTensor>(Weights);
        foreach ((string name, QuantizedLayer layer) in Layers)
        {
            if (layer.Weight is not null)
                all.Add(Graph[name].ParameterNames[0], layer.DequantizeWeight(Graph[name].Operator));
        }
        foreach ((string name, QuantizedScan scan) in Scans)
        {
            Node node = Graph[name];
            all.Add(node.ParameterNames[0], scan.DequantizeRates(node.Operator.Parameters[0].Shape));
        }
        return all;
    }
}
