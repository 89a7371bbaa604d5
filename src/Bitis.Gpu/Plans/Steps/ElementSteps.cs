using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Elementwise;
using Bitis.Gpu.Kernels.Products;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of elementwise operations, and of copies in another order or form.</summary>
internal static class ElementSteps
{
    /// <summary>Adds an operation of one value, or a copy of it.</summary>
    public static void AddUnary(GpuPlanBuilder plan, Node node)
    {
        if (plan.Has(node))
            return; // The layer before computed it.
        GpuMatrix x = plan.Value(node.Inputs[0]);
        (ElementOperation operation, float factor) = node.Operator switch
        {
            Scale scale => (ElementOperation.Scale, scale.Factor),
            Relu => (ElementOperation.Relu, 1),
            Gelu => (ElementOperation.Gelu, 1),
            Silu => (ElementOperation.Silu, 1),
            Sigmoid => (ElementOperation.Sigmoid, 1),
            _ => throw GpuPlanBuilder.Missing(node),
        };
        Add(plan, node, operation, x, null, factor);
    }

    /// <summary>Adds an operation of two values.</summary>
    public static void AddBinary(GpuPlanBuilder plan, Node node) => Add(
        plan, node, node.Operator is Add ? ElementOperation.Add : ElementOperation.Multiply,
        plan.Value(node.Inputs[0]), plan.Value(node.Inputs[1]));

    /// <summary>Adds a gate.</summary>
    public static void AddGate(GpuPlanBuilder plan, FusedGate gate) => Add(
        plan, gate.Product, ElementOperation.Gate, plan.Value(gate.Values), plan.Value(gate.Gate),
        gate.Scale is { } scale ? ((Scale)scale.Operator).Factor : 1);

    /// <summary>Adds a copy of a value in another order.</summary>
    public static void AddArrangement(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix x = plan.Value(node.Inputs[0]);
        plan.SetValue(node, Arrange(plan, x, node.Operator is ArrangeTokens arrangement
            ? arrangement.Sources
            : [.. Enumerable.Range(0, x.Rows).Reverse()]));
    }

    /// <summary>Adds the first half of a patch merging: four tokens side by side.</summary>
    public static void AddMergedPatches(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix x = plan.Natural(node.Inputs[0]);
        var merge = (MergePatches)node.Operator;
        int tokens = node.Shape[0];
        GpuMatrix y = plan.Activations(tokens, MergePatches.Parts * x.Columns);
        for (int part = 0; part < MergePatches.Parts; part++)
        {
            int[] sources = [.. Enumerable.Range(0, tokens).Select(token => merge.Source(token, part) ?? -1)];
            Compute(
                plan, ElementOperation.Copy, x, sources, null, 1, y.Slice(part * x.Columns, x.Columns), null, null);
        }
        plan.SetValue(node, y);
    }

    /// <summary>Adds rotary positions.</summary>
    public static void AddRotation(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix x = plan.Natural(node.Inputs[0]);
        GpuTarget y = plan.NewTarget(node, repetitions: 1, keepsFloats: !x.IsHalves);
        GpuBuffer angles = plan.Constant<float>(Angles((RotaryPositions)node.Operator, x.Rows));
        Compute(
            plan, ElementOperation.Rotate, x, null, null, 1, y.Values, y.Levels,
            y.Shape is null ? null : (y.Shape, y.Operands!), angles);
    }

    /// <summary>A copy of a value with other rows, −1 for zeros.</summary>
    public static GpuMatrix Arrange(GpuPlanBuilder plan, GpuMatrix x, IReadOnlyList<int> sources)
    {
        GpuMatrix y = plan.Activations(sources.Count, x.Columns);
        int[] rows = [.. sources.Select(row => row >= 0 && x.IsReversed ? x.Rows - 1 - row : row)];
        Compute(plan, ElementOperation.Copy, x, rows, null, 1, y, null, null);
        return y;
    }

    /// <summary>A value with its tokens in their natural order.</summary>
    public static GpuMatrix InOrder(GpuPlanBuilder plan, GpuMatrix x) =>
        x.IsReversed ? Arrange(plan, x, [.. Enumerable.Range(0, x.Rows)]) : x;

    /// <summary>The sum of several values.</summary>
    public static GpuMatrix AddUp(GpuPlanBuilder plan, IReadOnlyList<GpuMatrix> terms)
    {
        GpuMatrix sum = terms[0];
        foreach (GpuMatrix term in terms.Skip(1))
        {
            GpuMatrix y = plan.Activations(sum.Rows, sum.Columns);
            Compute(plan, ElementOperation.Add, sum, null, term, 1, y, null, null);
            sum = y;
        }
        return sum;
    }

    /// <summary>A value as a product can read it: rows begin at multiples of a chunk.</summary>
    public static GpuMatrix Aligned(GpuPlanBuilder plan, GpuMatrix x)
    {
        if (x.Start * x.ElementBytes % LinearShape.ChunkBytes == 0
            && x.Stride * x.ElementBytes % LinearShape.ChunkBytes == 0)
        {
            return x;
        }
        int columns = plan.KeepsHalves ? x.Columns : LinearShape.RowBytes(x.Columns * sizeof(float)) / sizeof(float);
        GpuMatrix y = plan.Activations(x.Rows, columns).Slice(0, x.Columns);
        y = y with { IsReversed = x.IsReversed };
        Compute(plan, ElementOperation.Copy, x with { IsReversed = false }, null, null, 1, y, null, null);
        return y;
    }

    /// <summary>A value in float32 without gaps, as the host reads it.</summary>
    public static GpuMatrix Dense(GpuPlanBuilder plan, GpuMatrix x)
    {
        if (x is { Start: 0, IsHalves: false } && x.Stride == x.Columns)
            return x;
        GpuMatrix y = plan.Scratch(x.Rows, x.Columns);
        Compute(plan, ElementOperation.Copy, x, null, null, 1, y, null, null);
        return y;
    }

    /// <summary>The levels of a value that others read as floats.</summary>
    public static GpuLevels Quantize(GpuPlanBuilder plan, GpuMatrix x, QuantizedLayer layer, RowTokens tokens)
    {
        GpuLevels levels = plan.LevelScratch(x.Rows, x.Columns);
        TokenScales scales = TokenScales.Of(plan, x.Rows, 1, (layer, tokens));
        Compute(
            plan, ElementOperation.Copy, x with { IsReversed = false }, null, null, 1, null, levels,
            (TokenScales.ShapeOf(layer), scales.Levels));
        return levels;
    }

    private static void Add(
        GpuPlanBuilder plan, Node node, ElementOperation operation, GpuMatrix a, GpuMatrix? b, float factor = 1)
    {
        if (b is not null && a.IsReversed != b.IsReversed)
            (a, b) = (InOrder(plan, a), InOrder(plan, b));
        if (a.IsReversed && plan.OnlyReadingLayer(node) is not null)
            (a, b) = (InOrder(plan, a), b is null ? null : InOrder(plan, b)); // Levels lie in the natural order.
        // The residual stream stays float32.
        bool keepsFloats = operation == ElementOperation.Add && (!a.IsHalves || b is { IsHalves: false });
        GpuTarget y = plan.NewTarget(node, repetitions: 1, a.IsReversed, keepsFloats);
        Compute(
            plan, operation, a, null, b, factor, y.Values, y.Levels,
            y.Shape is null ? null : (y.Shape, y.Operands!));
    }

    private static void Compute(
        GpuPlanBuilder plan, ElementOperation operation, GpuMatrix a, int[]? rowsOfA, GpuMatrix? b, float factor,
        GpuMatrix? y, GpuLevels? levels, (LevelShape Shape, LevelOperands Operands)? quantizer,
        GpuBuffer? angles = null)
    {
        int rows = y?.Rows ?? levels!.Rows, columns = y?.Columns ?? levels!.Columns;
        var shape = new ElementShape(
            operation, rows, columns, TermOf(a) with { HasMap = rowsOfA is not null }, b is null ? null : TermOf(b))
        {
            Factor = factor,
            Levels = quantizer?.Shape,
            WritesHalves = y is { IsHalves: true },
            OutputStride = y?.Stride ?? levels!.Stride,
            AtOnce = HavePairs(a, b, y) && columns % 2 == 0 ? 2 : 1,
        };
        (GpuFunction function, GpuKernelRow<ElementShape> row) = plan.Load(ElementKernels.Table, shape);
        GpuBuffer? map = rowsOfA is null ? null : plan.Constant<int>(rowsOfA);
        plan.Add(images => new ElementOperands
        {
            Images = images,
            A = a.Argument,
            MapOfA = map,
            B = b?.Argument,
            Angles = angles,
            Output = y?.Argument ?? levels!.Argument,
            Levels = quantizer?.Operands,
        }.Launch(function, row, shape));
    }

    /// <summary>Cosines, then sines, by rotating one element of each pair and then the other.</summary>
    private static float[] Angles(RotaryPositions rotary, int rows)
    {
        int channels = rotary.Channels;
        float[] even = [.. Enumerable.Range(0, channels).Select(i => i % 2 == 0 ? 1f : 0)];
        float[] odd = [.. even.Select(value => 1 - value)];
        float[] ofEven = new float[rows * channels], ofOdd = new float[rows * channels];
        for (int row = 0; row < rows; row++)
        {
            rotary.Turn(even, row, ofEven.AsSpan(row * channels, channels), isBack: false);
            rotary.Turn(odd, row, ofOdd.AsSpan(row * channels, channels), isBack: false);
        }
        return
        [
            .. ofEven.Select((value, i) => i % 2 == 0 ? value : ofOdd[i]),
            .. ofEven.Select((value, i) => i % 2 == 0 ? ofOdd[i] : value),
        ];
    }

    /// <summary>Whether pairs of columns lie at addresses that permit one access to both. Levels always do.</summary>
    public static bool HavePairs(params ReadOnlySpan<GpuMatrix?> matrices)
    {
        foreach (GpuMatrix? matrix in matrices)
        {
            if (matrix is not null && (matrix.Start % 2 != 0 || matrix.Stride % 2 != 0))
                return false;
        }
        return true;
    }

    private static ElementTerm TermOf(GpuMatrix x) => new(x.Rows, x.Stride, x.IsHalves);
}
