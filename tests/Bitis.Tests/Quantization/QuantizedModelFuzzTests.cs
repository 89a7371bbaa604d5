using System.Diagnostics;
using Bitis.Models.Vim;
using Bitis.Quantization.Recipes;

namespace Bitis.Tests.Quantization;

/// <summary>
/// A small valid quantized model with damaged bytes: it is read, or refused with a <see cref="BitisException"/>, in
/// bounded memory. <c>BITIS_FUZZ=n</c> runs n cases. <see cref="FuzzTests"/> has those whose digest is right.
/// </summary>
public sealed class QuantizedModelFuzzTests : IDisposable
{
    private static readonly int Cases =
        int.TryParse(Environment.GetEnvironmentVariable("BITIS_FUZZ"), out int cases) ? cases : 300;

    private readonly TempFolder _folder = new();

    private string File => _folder["model.bitis"];

    public void Dispose() => _folder.Dispose();

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

    private void AssertReadOrRefused(int seed)
    {
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            QuantizedModel.Load(File);
        }
        catch (BitisException e)
        {
            Assert.StartsWith(File, e.Message);
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
        MicroModel.Quantize(
            model, new Recipe { Bits = new(4, 8), ActivationGranularity = Granularity.PerToken }).Save(File);
        return System.IO.File.ReadAllBytes(File);
    }
}
