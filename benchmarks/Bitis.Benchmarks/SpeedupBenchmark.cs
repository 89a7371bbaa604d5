using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Benchmarks;

/// <summary>
/// How much faster quantized models are than the float32 one: one image on one thread, with the instruction set in use.
/// All models take turns.
/// </summary>
internal static class SpeedupBenchmark
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(60);

    private static readonly string[] Bits = ["w8a8", "w7a8", "w4a8"];

    public static void Run(string variant)
    {
        VisionModel model = RandomModel.Create(variant);
        FloatTensor image = RandomModel.Images(model, 1);
        var options = new SessionOptions { Threads = 1 };
        (string Name, InferenceSession Session)[] models =
        [
            ("float32", InferenceSession.Create(model, options)),
            .. Bits.Select(bits => (
                RandomModel.NameOf(bits, Scope.Full),
                InferenceSession.Create(RandomModel.Quantize(model, bits, Scope.Full), options))),
        ];
        double[] seconds = Alternating.Seconds(
            Slice, [.. models.Select(entry => (Action)(() => entry.Session.Run(image)))]);
        string instructions = InstructionSets.NameOf(InstructionSets.Current);
        Console.WriteLine($"| {variant}, {instructions}, one image on one thread | ms | times as fast as float32 |");
        Console.WriteLine("|---|---|---|");
        for (int i = 0; i < models.Length; i++)
        {
            Console.WriteLine($"| {models[i].Name} | {seconds[i] * 1e3:F2} | {seconds[0] / seconds[i]:F2} |");
            models[i].Session.Dispose();
        }
    }
}
