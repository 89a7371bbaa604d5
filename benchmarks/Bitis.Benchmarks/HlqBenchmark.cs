using Bitis.Runtime.Kernels;
using Bitis.Tensors;
using Bitis.Training;

namespace Bitis.Benchmarks;

/// <summary>
/// HLQ against the exact reverse pass, both at our best, in turns on one thread: the time of a layer's reverse pass by shape, with what keeping
/// the input compressed costs in the forward pass, and the bytes that are kept.
/// </summary>
internal static unsafe class HlqBenchmark
{
    private static readonly (string Name, int Side, bool HasClassToken, int Images, int Inputs, int Outputs)[] Shapes =
    [
        ("vim-mini x_proj", 8, true, 4, 320, 42),
        ("vim-mini dt_proj", 8, true, 4, 10, 320),
        ("vim-mini in_proj", 8, true, 4, 160, 640),
        ("vim-mini out_proj", 8, true, 4, 320, 160),
        ("vit-micro qkv", 8, true, 4, 192, 576),
        ("vit-micro proj", 8, true, 4, 192, 192),
        ("vit-micro fc1", 8, true, 4, 192, 768),
        ("vit-micro fc2", 8, true, 4, 768, 192),
        ("vim-tiny in_proj", 14, true, 1, 192, 768),
        ("vim-tiny out_proj", 14, true, 1, 384, 192),
        ("vim-small in_proj", 14, true, 1, 384, 1536),
        ("vim-small out_proj", 14, true, 1, 768, 384),
        ("48 to 48", 8, true, 4, 48, 48),
        ("64 to 64", 8, true, 4, 64, 64),
        ("96 to 96", 8, true, 4, 96, 96),
        ("128 to 128", 8, true, 4, 128, 128),
        ("256 to 256", 8, true, 4, 256, 256),
    ];

    public static void Run()
    {
        Console.WriteLine("the reverse pass of a linear layer, microseconds: x̄ and W̄ exact and by HLQ; the forward pass's compression; bytes kept of the input");
        foreach (var shape in Shapes)
            MeasureLayer(shape.Name, shape.Side, shape.HasClassToken, shape.Images, shape.Inputs, shape.Outputs);
    }

    private static void MeasureLayer(string name, int side, bool hasClassToken, int images, int inputs, int outputs)
    {
        TokenLayout layout = TokenLayout.Grid(side, side);
        if (hasClassToken)
            layout = layout with { Rows = layout.Rows + 1, ExtraRow = layout.Rows / 2 };
        int rows = images * layout.Rows;
        BackwardMethod method = BackwardMethods.Find("hlq");
        var policy = new BackwardPolicy { Method = "hlq" };
        using TokenBlocks blocks = policy.BlocksOf(method, layout, images);
        using var inputProduct = new InputGradientProduct(method.Input, policy.Scale, blocks, outputs, inputs, layout.Rows, images);
        using var weightProduct = new WeightGradientProduct(method.Weight, policy.BitsOfInput(method), blocks, policy.Basis, outputs, inputs, images);
        using var transposed = new PackedFloatWeights(inputs, outputs);
        Tensor w = Random([outputs, inputs], 1), x = Random([rows, inputs], 2), y = Random([rows, outputs], 3);
        using var xGradient = new NativeBuffer<float>(rows * inputs);
        using var wGradient = new NativeBuffer<float>(outputs * inputs, zeroed: true);
        using var kept = new NativeBuffer<byte>((int)weightProduct.KeptBytes(images));
        using var scratch = new NativeBuffer<float>(
            Math.Max(FloatGemm.TransposedScratch(rows), Math.Max(inputProduct.ScratchLength, weightProduct.ScratchLength)));
        transposed.PackTransposed(w.Span);
        inputProduct.Prepare(w.Span);
        weightProduct.Keep(x.Pointer, inputs, images, kept.Pointer, scratch.Pointer);
        double[] seconds = Alternating.Seconds(
            () => FloatGemm.Run(transposed, y.Pointer, outputs, xGradient.Pointer, inputs, 0, rows, accumulate: false),
            () => FloatGemm.AddTransposed(y.Pointer, outputs, x.Pointer, inputs, rows, outputs, inputs, wGradient.Pointer, scratch.Pointer),
            () => inputProduct.Run(y.Pointer, outputs, images, xGradient.Pointer, inputs, accumulate: false, scratch.Pointer, key: 1),
            () => weightProduct.Add(kept.Pointer, y.Pointer, outputs, images, wGradient.Pointer, scratch.Pointer, key: 2),
            () => weightProduct.Keep(x.Pointer, inputs, images, kept.Pointer, scratch.Pointer),
            () => transposed.PackTransposed(w.Span),
            () => inputProduct.Prepare(w.Span));
        double[] us = [.. seconds.Select(second => second * 1e6)];
        double exact = us[0] + us[1], hlq = us[2] + us[3];
        Console.WriteLine(
            $"  {name,-20} {rows,4}×{inputs,4}→{outputs,4}  exact {us[0],7:F0} + {us[1],7:F0}   hlq {us[2],6:F0} + {us[3],6:F0} (keep {us[4],5:F0})   "
            + $"{exact / hlq:F2} times as fast, with keeping {exact / (hlq + us[4]):F2}   pack {us[5],5:F0} / {us[6],5:F0}   kept {kept.Length / (4.0 * rows * inputs):P1}");
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    private static Tensor Random(Shape shape, ulong seed)
    {
        var random = new SeededRandom(seed);
        var tensor = new Tensor(shape);
        foreach (ref float value in tensor.Span)
            value = (float)random.NextNormal();
        return tensor;
    }
}
