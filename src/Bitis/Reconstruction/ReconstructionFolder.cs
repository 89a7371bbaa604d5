using System.Security.Cryptography;
using System.Text.Json;
using Bitis.Checkpoints;
using Bitis.Checkpoints.Safetensors;
using Bitis.Files;
using Bitis.Models;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Files;
using Bitis.Quantization.Recipes;

namespace Bitis.Reconstruction;

/// <summary>
/// The folder in which a quantization keeps finished blocks, so that it can resume after it was stopped.
/// </summary>
/// <remarks>
/// There is one <c>.bitis</c>-like file for each block. A folder belongs to one model, recipe and set of images.
/// </remarks>
/// <param name="path">The folder; it is created when the first block is done.</param>
internal sealed class ReconstructionFolder(string path)
{
    private const string IdentityKey = "bitis_reconstruction", RecordKey = "record", FormatVersion = "3";
    private const string Advice = "Delete this file: its block is made again";

    private string _identity = "";
    private VisionModel _model = null!;
    private Recipe _recipe = null!;

    /// <summary>Sets what is going to be quantized.</summary>
    public void Open(VisionModel model, Recipe recipe, CalibrationDigest calibration)
    {
        _model = model;
        _recipe = recipe;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendModel(model);
        _identity = JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["format"] = FormatVersion,
            ["model"] = Convert.ToHexStringLower(hash.GetHashAndReset()),
            ["calibration"] = calibration.Sha256,
            ["recipe"] = JsonSerializer.Serialize(RecipeDocument.Of(recipe), QuantizedModelJson.Default.RecipeDocument),
        }, ReconstructionJson.Default.DictionaryStringString);
    }

    /// <summary>A block that is done already; null if it is not.</summary>
    /// <exception cref="BitisException">
    /// The folder belongs to another quantization, or a file in it is damaged.
    /// </exception>
    public ReconstructedBlock? Load(int block)
    {
        string file = FileOf(block);
        if (!File.Exists(file))
            return null;
        using Checkpoint checkpoint = Checkpoint.Open(file);
        if (checkpoint.Metadata.GetValueOrDefault(IdentityKey) != _identity)
        {
            throw BitisException.InFile(
                path,
                    "this folder has blocks of another quantization (another model, recipe, set of images or version "
                    + "of Bitis). Delete it, or write to another output.");
        }
        ContentDigest.Verify(checkpoint, Advice);
        var tensors = new TensorDirectory(checkpoint);
        try
        {
            return new ReconstructedBlock(
                QuantizedModelFile.ReadLayers(tensors, _model.Graph, _recipe),
                QuantizedScanFile.Read(tensors, _model.Graph),
                MetadataJson.Read(checkpoint.Metadata, RecordKey, ReconstructionJson.Default.BlockRecord));
        }
        catch (Exception e) when (e is BitisException or ArgumentException)
        {
            throw new BitisException(
                $"{file}: the finished block cannot be read: {e.Message.TrimEnd('.')}. {Advice}.", e);
        }
    }

    /// <summary>Keeps a block.</summary>
    public void Save(ReconstructedBlock block)
    {
        string file = FileOf(block.Record.Block);
        if (File.Exists(file))
            return;
        List<SafetensorsTensor> tensors =
        [
            .. QuantizedModelFile.TensorsOf(block.Layers, _model.Graph),
            .. QuantizedScanFile.TensorsOf(block.Scans, _model.Graph),
        ];
        var metadata = new Dictionary<string, string>
        {
            [IdentityKey] = _identity,
            [RecordKey] = JsonSerializer.Serialize(block.Record, ReconstructionJson.Default.BlockRecord),
            [QuantizedModelFile.LayersKey] = QuantizedModelFile.LayersOf(block.Layers),
            [QuantizedScanFile.ScansKey] = QuantizedScanFile.Describe(block.Scans),
        };
        metadata[ContentDigest.Key] = ContentDigest.Of(metadata, tensors);
        OutputFolder.Fill(
            path, () => SafetensorsWriter.Write(file, tensors, metadata), "the folder for finished blocks");
    }

    /// <summary>Deletes the blocks, and the folder if nothing else is in it.</summary>
    /// <exception cref="BitisException">They cannot be deleted.</exception>
    public void Delete()
    {
        if (!Directory.Exists(path))
            return;
        try
        {
            foreach (string file in Directory.EnumerateFiles(path, "block-*.safetensors"))
                File.Delete(file);
            TemporaryFiles.RemoveStale(path);
            if (!Directory.EnumerateFileSystemEntries(path).Any())
                Directory.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BitisException($"{path}: the folder of finished blocks cannot be deleted: {e.Message}", e);
        }
    }

    private string FileOf(int block) => System.IO.Path.Combine(path, $"block-{block:D3}.safetensors");
}
