using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Bitis.Checkpoints;
using Bitis.Models;
using Bitis.Quantization;

namespace Bitis.Tests.Quantization;

/// <summary>
/// A small valid quantized model with damaged bytes, and with damaged metadata under a right digest: it is read, or refused
/// with a <see cref="BitisException"/>, in bounded memory. <c>BITIS_FUZZ=n</c> runs n cases of each kind.
/// </summary>
public sealed class QuantizedModelFuzzTests : IDisposable
{
    private static readonly int Cases =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_FUZZ"), out int cases) ? cases : 300;

    private readonly string _folder = Directory.CreateTempSubdirectory("bitis-fuzz-").FullName;

    private string File => Path.Combine(_folder, "model.bitis");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Damaged_bytes_are_read_or_refused()
    {
        byte[] original = SmallFile();
        for (int seed = 0; seed < Cases; seed++)
        {
            System.IO.File.WriteAllBytes(File, Mutation.Of(original, new Random(seed)));
            AssertReadOrRefused(seed);
        }
    }

    [Fact]
    public void Damaged_metadata_are_read_or_refused()
    {
        System.IO.File.WriteAllBytes(File, SmallFile());
        using Checkpoint original = Checkpoint.Open(File);
        SafetensorsTensor[] tensors = [.. original.Entries.Select(entry =>
            new SafetensorsTensor(entry.Name, entry.DType, entry.Shape, original.ReadBytes(entry.Name)))];
        string[] keys = [.. original.Metadata.Keys.Where(key => key is not ("sha256" or "bitis_format")).Order(StringComparer.Ordinal)];
        var metadata = new Dictionary<string, string>(original.Metadata);
        int read = 0;
        for (int seed = 0; seed < Cases; seed++)
        {
            var random = new Random(seed);
            string key = keys[random.Next(keys.Length)];
            var damaged = new Dictionary<string, string>(metadata)
            {
                [key] = Encoding.Latin1.GetString(Mutation.Of(Encoding.Latin1.GetBytes(metadata[key]), random)),
            };
            SafetensorsTensor[] kept = random.Next(4) == 0 ? [.. tensors.Where(_ => random.Next(200) != 0)] : tensors;
            damaged["sha256"] = Digest(kept);
            SafetensorsWriter.Write(File, kept, damaged);
            read += AssertReadOrRefused(seed) ? 1 : 0;
        }
        Assert.InRange(read, 1, Cases - 1);
    }

    /// <summary>Loads the file; true if that worked.</summary>
    private bool AssertReadOrRefused(int seed)
    {
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            QuantizedModel.Load(File);
            return true;
        }
        catch (BitisException e)
        {
            Assert.StartsWith(File, e.Message);
            return false;
        }
        finally
        {
            // A graph of the greatest depth takes some MB.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"case {seed}: {clock.Elapsed}");
        }
    }

    private byte[] SmallFile()
    {
        VisionModel model = VisionModel.CreateRandom(
            new VimConfig
            {
                ImageSize = 8,
                PatchSize = 4,
                Stride = 4,
                Width = 8,
                InnerWidth = 16,
                Depth = 2,
                DeltaRank = 1,
                StateSize = 2,
                Classes = 3,
            },
            seed: 1);
        MicroModel.Quantize(model, new Recipe { Bits = new(4, 8), ActivationGranularity = Granularity.PerToken }).Save(File);
        return System.IO.File.ReadAllBytes(File);
    }

    private static string Digest(IEnumerable<SafetensorsTensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (SafetensorsTensor tensor in tensors)
            hash.AppendData(tensor.Bytes.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
