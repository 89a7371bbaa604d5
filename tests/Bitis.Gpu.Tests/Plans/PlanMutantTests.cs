using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Bitis.Fuzz;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Plans;
using Bitis.Gpu.Ptx;
using Bitis.Quantization.Recipes;
using Xunit.Abstractions;

namespace Bitis.Gpu.Tests.Plans;

/// <summary>Models whose kernels lack a line: the interpreter reports them, or their answer is another.</summary>
[Trait("Speed", "Slow")]
public sealed partial class PlanMutantTests(ITestOutputHelper output)
{
    /// <summary>How many lines of each kernel are left out in turn, besides those that order threads.</summary>
    private const int LinesOfKernel = 6;

    /// <summary>The most instructions of a warp: some hundred times those of these models' kernels.</summary>
    private const int MostInstructions = 1 << 20;

    /// <summary>How long a line may be looked at, in milliseconds.</summary>
    private const int LongestMatch = 1000;

    /// <remarks>
    /// The others are lines that nothing depends on here: those for rows that a small model does not have, bounds that
    /// no value exceeds, barriers of a single warp.
    /// </remarks>
    [Theory]
    [InlineData("vim", "floats", 0.8)]
    [InlineData("vim", "halves", 0.8)]
    [InlineData("vim", "w8a8", 0.8)]
    [InlineData("vmamba", "w8a8", 0.8)]
    public void A_line_that_is_missing_is_noticed(string name, string form, double least)
    {
        VisionModel model = MicroModels.Create(name);
        QuantizedModel? quantized = form != "w8a8" ? null : MicroModels.Quantize(
            name, new Recipe { Method = "minmax", Scope = Scope.Full });
        FloatTensor image = MicroModels.Images(model.Config, 1);
        var decoded = new ConcurrentDictionary<string, GpuFunction>();
        var kernels = new List<PtxKernel>();
        float[] expected = Run(kernel =>
        {
            kernels.Add(kernel);
            return Decode(kernel);
        });

        int caught = 0, orderCaught = 0, all = 0, order = 0;
        foreach (PtxKernel kernel in kernels)
        {
            string[] lines = kernel.Text.Split('\n');
            int[] places = [.. Enumerable.Range(0, lines.Length).Where(i => IsRemovable(lines[i]))];
            int step = Math.Max(1, places.Length / LinesOfKernel);
            foreach (int place in places.Where((line, i) => i % step == step / 2 || Orders(lines[line])))
            {
                string text = string.Join('\n', lines.Where((_, i) => i != place));
                bool isCaught;
                try
                {
                    GpuFunction mutant = new EmulatedFunction(kernel with { Text = text }, PtxTarget.Sm80);
                    float[] answer = Run(other => other.Text == kernel.Text ? mutant : Decode(other));
                    isCaught = !answer.AsSpan().SequenceEqual(expected);
                }
                catch (EmulationException)
                {
                    isCaught = true;
                }
                all++;
                caught += isCaught ? 1 : 0;
                order += Orders(lines[place]) ? 1 : 0;
                orderCaught += isCaught && Orders(lines[place]) ? 1 : 0;
                if (!isCaught)
                    output.WriteLine($"{kernel.Name}: {lines[place].Trim()}");
            }
        }
        output.WriteLine($"{caught} of {all} lines, {orderCaught} of {order} that order threads");
        Assert.InRange(caught, least * all, all);
        return;

        GpuFunction Decode(PtxKernel kernel) =>
            decoded.GetOrAdd(kernel.Text, _ => new EmulatedFunction(kernel, PtxTarget.Sm80));

        float[] Run(Func<PtxKernel, GpuFunction> load)
        {
            var device = new LoadingDevice(load);
            using GpuPlan plan = quantized is not null
                ? GpuPlanBuilder.Build(device, quantized, images: 1)
                : GpuPlanBuilder.Build(
                    device, model, images: 1, form == "halves" ? GpuPrecision.HalfStates : GpuPrecision.Floats);
            var logits = new float[model.Config.Classes];
            plan.Run(image.Span, logits);
            return logits;
        }
    }

    /// <summary>Whether a line makes threads or copies wait.</summary>
    private static bool Orders(string line) => line.Contains("bar.sync", StringComparison.Ordinal)
        || line.Contains("cp.async.wait", StringComparison.Ordinal);

    /// <summary>Whether a line is an instruction, and not the end that each kernel must have.</summary>
    private static bool IsRemovable(string line) =>
        line.EndsWith(';') && !Kept().IsMatch(line);

    [GeneratedRegex(@"^\s*\.|\bret\b", RegexOptions.None, LongestMatch)]
    private static partial Regex Kept();

    /// <summary>The interpreter, with functions from elsewhere.</summary>
    private sealed class LoadingDevice(Func<PtxKernel, GpuFunction> load) : GpuDevice
    {
        private readonly EmulatedDevice _device = new(PtxTarget.Sm80, seed: 7)
        {
            MaxInstructionsOfWarp = MostInstructions,
        };

        public override string Name => _device.Name;

        public override ComputeCapability Capability => _device.Capability;

        public override int Multiprocessors => _device.Multiprocessors;

        public override long CacheBytes => _device.CacheBytes;

        public override int MaxSharedBytes => _device.MaxSharedBytes;

        public override GpuBuffer Allocate(long bytes) => _device.Allocate(bytes);

        public override GpuFunction Load(PtxKernel kernel) => load(kernel);

        public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches) => _device.Record(launches);

        public override void Run(IReadOnlyList<GpuLaunch> launches) => _device.Run(launches);

        public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches) => _device.Time(launches);

        protected override void Dispose(bool disposing) => _device.Dispose();
    }
}
