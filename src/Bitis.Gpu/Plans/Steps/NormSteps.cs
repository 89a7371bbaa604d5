using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Merging;
using Bitis.Gpu.Kernels.Norms;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Quantization;
using Bitis.Tensors;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of norms and means.</summary>
internal static class NormSteps
{
    /// <summary>Adds a norm of a value.</summary>
    public static void Add(GpuPlanBuilder plan, Node norm) =>
        Add(plan, norm, plan.TermsOf(norm.Inputs[0]) ?? [plan.Value(norm.Inputs[0])], sum: null);

    /// <summary>Adds a sum and its norm. The sum is written only if others read it, too.</summary>
    public static void Add(GpuPlanBuilder plan, Node norm, Node sum)
    {
        bool isRead = sum == plan.Graph.Graph.Output
            || plan.Graph.ReadersOf(sum).Any(reader => reader.Main != norm);
        IReadOnlyList<GpuMatrix> terms = plan.TermsOf(sum)
            ?? [.. sum.Inputs.SelectMany(input => plan.TermsOf(input) ?? [plan.Value(input)])];
        Add(plan, norm, terms, isRead ? sum : null);
    }

    /// <summary>Adds a mean over the tokens.</summary>
    public static void AddMean(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix x = plan.Value(node.Inputs[0]);
        GpuTarget y = plan.NewTarget(node, repetitions: 1);
        var shape = new MeanShape(x.Rows, x.Columns)
        {
            InputStride = x.Stride,
            ReadsHalves = x.IsHalves,
            Levels = y.Shape,
            WritesHalves = y.IsHalves,
            OutputStride = y.Stride,
        };
        (GpuFunction function, GpuKernelRow<MeanShape> row) = plan.Load(MeanKernels.Table, shape);
        plan.Add(images => new MeanOperands
        {
            Images = images,
            Input = x.Argument,
            Output = y.Argument,
            Levels = y.Operands,
        }.Launch(function, row, shape));
    }

    /// <summary>Adds the means of the layer norms of several sequences.</summary>
    public static void AddMeans(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix y = plan.Activations(node.Inputs.Count, node.Shape[^1]);
        GpuBuffer weight = plan.Constant<float>(plan.Parameter(node, 0).Span);
        GpuBuffer bias = plan.Constant<float>(plan.Parameter(node, 1).Span);
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            GpuMatrix x = plan.Value(node.Inputs[i]), mean = y.Row(i);
            var shape = new MeanShape(x.Rows, x.Columns)
            {
                InputStride = x.Stride,
                ReadsHalves = x.IsHalves,
                Epsilon = ((MeanOfNorms)node.Operator).Epsilon,
                WritesHalves = y.IsHalves,
                OutputStride = mean.Stride,
            };
            (GpuFunction function, GpuKernelRow<MeanShape> row) = plan.Load(MeanKernels.Table, shape);
            plan.Add(images => new MeanOperands
            {
                Images = images,
                Input = x.Argument,
                Output = mean.Argument,
                Weight = weight,
                Bias = bias,
            }.Launch(function, row, shape));
        }
        plan.SetValue(node, y);
    }

    /// <summary>Adds a sum of sequences with gates.</summary>
    public static void AddGatedSum(GpuPlanBuilder plan, Node node)
    {
        GpuMatrix gates = plan.Natural(node.Inputs[0]);
        GpuMatrix[] terms = [.. node.Inputs.Skip(1).Select(plan.Natural)];
        if (terms.Any(term => (term.Stride, term.IsHalves) != (terms[0].Stride, terms[0].IsHalves)))
            throw GpuPlanBuilder.Missing(node);
        GpuTarget y = plan.NewTarget(node, repetitions: 1);
        var shape = new GatedSumShape(terms.Length, terms[0].Rows, terms[0].Columns)
        {
            TermStride = terms[0].Stride,
            GateStride = gates.Stride,
            ReadsHalves = terms[0].IsHalves,
            GatesAreHalves = gates.IsHalves,
            Levels = y.Shape,
            WritesHalves = y.IsHalves,
            OutputStride = y.Stride,
            AtOnce = ElementSteps.HavePairs([gates, y.Values, .. terms]) && terms[0].Columns % 2 == 0 ? 2 : 1,
        };
        (GpuFunction function, _) = plan.Load(GatedSumKernels.Table, shape);
        plan.Add(images => GatedSumKernels.Launch(
            function, shape, images, gates.Argument, [.. terms.Select(term => term.Argument)], y.Argument,
            y.Operands));
    }

    private static void Add(GpuPlanBuilder plan, Node norm, IReadOnlyList<GpuMatrix> terms, Node? sum)
    {
        bool isReversed = terms.All(term => term.IsReversed) && plan.OnlyReadingLayer(norm) is null;
        GpuMatrix[] x = isReversed ? [.. terms] : [.. terms.Select(term => ElementSteps.InOrder(plan, term))];
        bool isCentered = norm.Operator is LayerNorm;
        float epsilon = norm.Operator is RmsNorm rms ? rms.Epsilon : ((LayerNorm)norm.Operator).Epsilon;
        int rows = x[0].Rows, columns = x[0].Columns;
        GpuMatrix? stream = null;
        if (sum is not null)
        {
            stream = x.FirstOrDefault(
                term => !term.IsHalves && term.Start == 0 && term.Stride == columns && plan.CanOverwrite(term))
                ?? plan.Scratch(rows, columns);
            plan.SetValue(sum, stream with { IsReversed = isReversed });
        }
        GpuTarget y = plan.NewTarget(norm, plan.Images, isReversed);
        var shape = new NormShape(columns, epsilon, isCentered)
        {
            Terms = [.. x.Select(term => new NormTerm(term.Stride, term.IsHalves) { Start = term.Start })],
            WritesSum = sum is not null,
            Levels = y.Shape,
            WritesHalves = y.IsHalves,
        };
        (GpuFunction function, GpuKernelRow<NormShape> row) = plan.Load(NormKernels.Table, shape, rows);
        GpuBuffer weight = plan.Constant<float>(plan.Parameter(norm, 0).Span);
        GpuBuffer? bias = isCentered ? plan.Constant<float>(plan.Parameter(norm, 1).Span) : null;
        plan.Add(images => new NormOperands
        {
            Terms = [.. x.Select(term => term.Argument)],
            Output = y.Buffer,
            Weight = weight,
            Rows = images * rows,
            Bias = bias,
            Sum = stream?.Buffer,
            Levels = y.Operands,
        }.Launch(function, row, shape));
    }
}
