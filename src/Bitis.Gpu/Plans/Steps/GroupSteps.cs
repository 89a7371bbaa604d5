using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Quantization;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>The launches of scans in different orders.</summary>
/// <remarks>
/// <code>
///   u of all directions ─► one product for those with the same input ─► Δ's input, B, C of each direction
///   all of them ─► all scans in one launch ─► an output of each direction
/// </code>
/// </remarks>
internal static class GroupSteps
{
    /// <summary>Adds the launches.</summary>
    public static void Add(GpuPlanBuilder plan, ScanGroup group)
    {
        GpuMatrix source = plan.Natural(group.Source);
        int directions = group.Members.Count, channels = group.First.U.Shape[^1], steps = group.Steps;
        ScanBranch[] branches = [.. group.Members.Select(member => member.Branch)];
        QuantizedLayer?[] projections = [.. branches.Select(branch => plan.LayerOf(branch.Parameters))];
        if (projections.Any(layer => layer is null != projections[0] is null))
            throw GpuPlanBuilder.Missing(branches[1].Parameters);
        GpuMatrix? gate = group.Gate is null ? null : plan.Natural(group.Gate);
        var arrangement = new ScanArrangement(
            directions, group.HasConvolutions ? steps : source.Rows, group.Roots[0].Node.Shape[0]);
        ScanShape shape = ScanConstants.WithLevels(plan, branches, steps, new ScanShape(
            steps, channels, group.First.States, group.First.Rank)
        {
            Arrangement = arrangement,
            HasGate = gate is not null,
            GateStride = gate?.Stride ?? channels,
            AreHalves = plan.KeepsHalves,
            HasFloatInput = HasIntegerScans(plan, group),
            HasHalfStates = plan.HasHalfStates && group.First.States % 2 == 0,
        });
        (GpuMatrix u, int offsetOfU, GpuLevels? levels) = group.HasConvolutions
            ? AddConvolutions(plan, group, source, projections)
            : (source, 0, null);
        bool fits = u.Stride == shape.InputStride && u.IsHalves == shape.HasHalfInput
            && (gate is null || gate.IsHalves == plan.KeepsHalves);
        if (!fits)
            throw GpuPlanBuilder.Missing(group.Source);
        GpuMatrix parameters;
        int offsetOfParameters;
        if (group.HasConvolutions)
        {
            offsetOfParameters = plan.Images * steps * shape.ParameterStride;
            parameters = AddOwnProjections(plan, shape, branches, projections, u, levels);
        }
        else
        {
            offsetOfParameters = shape.ParameterStride;
            shape = shape with { ParameterRowStride = directions * shape.ParameterStride };
            parameters = AddSharedProjections(plan, group, shape, projections, u);
        }
        AddScans(plan, group, shape, branches, new Inputs(u, offsetOfU, parameters, offsetOfParameters, gate));
    }

    /// <summary>Whether scans quantize u, which then stays float32 before.</summary>
    public static bool HasIntegerScans(GpuPlanBuilder plan, ScanGroup group) =>
        group.Members.Any(member => plan.ScanOf(member.Branch.Scan.Scan) is not null);

    private static (GpuMatrix U, int Offset, GpuLevels? Levels) AddConvolutions(
        GpuPlanBuilder plan, ScanGroup group, GpuMatrix x, QuantizedLayer?[] projections)
    {
        int directions = group.Members.Count, steps = group.Steps, channels = x.Columns;
        GpuMatrix u = HasIntegerScans(plan, group)
            ? plan.Scratch(directions * steps, channels)
            : plan.Activations(directions * steps, channels);
        Node[] nodes = [.. group.Members.Select(member => member.Convolution!.Convolution)];
        LevelShape? shape = null;
        GpuLevels? levels = null;
        LevelOperands? operands = null;
        if (projections[0] is { } first)
        {
            shape = TokenScales.ShapeOf(first);
            if (projections.FirstOrDefault(layer => TokenScales.ShapeOf(layer!) != shape) is not null)
                throw GpuPlanBuilder.Missing(group.Members[1].Branch.Parameters);
            levels = plan.LevelScratch(directions * steps, channels);
            operands = TokenScales.Of(
                plan, steps, 1, [.. projections.Select(layer => (layer!, RowTokens.Natural))]).Levels;
        }
        ConvolutionSteps.AddArranged(plan, nodes, x, group.Rows, hasSilu: true, u, levels, operands, shape);
        return (u, plan.Images * steps * u.Stride, levels);
    }

    /// <summary>Adds a projection of each direction's own u.</summary>
    private static GpuMatrix AddOwnProjections(
        GpuPlanBuilder plan, ScanShape shape, ScanBranch[] branches, QuantizedLayer?[] projections, GpuMatrix u,
        GpuLevels? levels)
    {
        GpuMatrix parameters = plan.Scratch(branches.Length * shape.Tokens, shape.ParameterStride);
        ProductSteps.AddStack(
            plan, levels is null ? null : [.. projections.OfType<QuantizedLayer>()],
            [.. branches.Select(branch => branch.Parameters)], levels is null ? u : null, levels,
            [.. branches.Select(_ => RowTokens.Natural)], parameters.Slice(0, shape.Parameters));
        return parameters;
    }

    /// <summary>Adds the projections of u, which all directions read, side by side.</summary>
    private static GpuMatrix AddSharedProjections(
        GpuPlanBuilder plan, ScanGroup group, ScanShape shape, QuantizedLayer?[] projections, GpuMatrix u)
    {
        GpuMatrix parameters = plan.Scratch(u.Rows, shape.ParameterRowStride);
        if (projections[0] is null)
        {
            var weights = new float[shape.ParameterRowStride * u.Columns];
            for (int i = 0; i < group.Members.Count; i++)
            {
                plan.Parameter(group.Members[i].Branch.Parameters, 0).Span.CopyTo(
                    weights.AsSpan(i * shape.ParameterStride * u.Columns));
            }
            ProductSteps.AddProduct(plan, u, GpuTarget.Of(parameters), weights, bias: null);
            return parameters;
        }
        foreach (ProjectionLevels levels in plan.ProjectionLevelsOf(group)
            ?? ProjectionLevels.Find(plan, group, u.Rows))
        {
            GpuLevels x = levels.Levels ?? ElementSteps.Quantize(plan, u, levels.Layer, levels.Tokens);
            // Neighbours with the same levels are one product.
            for (int start = 0, count; start < levels.Members.Count; start += count)
            {
                int first = levels.Members[start];
                count = levels.Members.Skip(start).TakeWhile((member, i) => member == first + i).Count();
                GpuMatrix y = parameters.Slice(first * shape.ParameterStride, count * shape.ParameterStride);
                ProductSteps.AddProduct(
                    plan, [.. Enumerable.Range(first, count).Select(member => projections[member]!)], x, levels.Tokens,
                    GpuTarget.Of(y), bias: null, outputsOfLayer: shape.ParameterStride);
            }
        }
        return parameters;
    }

    private static void AddScans(
        GpuPlanBuilder plan, ScanGroup group, ScanShape shape, ScanBranch[] branches, Inputs inputs)
    {
        (GpuFunction function, GpuKernelRow<ScanShape> row) = plan.Load(ScanKernels.Table, shape);
        int rows = shape.Arrangement!.OutputRows;
        GpuMatrix outputs = plan.Activations(branches.Length * rows, shape.Channels);
        GpuBuffer rowsOfSteps = plan.Constant<int>(group.HasConvolutions
            ? [.. group.Members.SelectMany(_ => Enumerable.Range(0, group.Steps))]
            : group.Rows);
        GpuBuffer targets = plan.Constant<int>(group.Targets);
        ScanConstants constants = ScanConstants.Of(plan, branches, shape);
        int offset = plan.Images * rows * outputs.Stride;
        plan.Add(images => new ScanOperands
        {
            Images = images,
            Input = inputs.U.Argument,
            InputOffset = inputs.OffsetOfU,
            Parameters = inputs.Parameters.Argument,
            ParameterOffset = inputs.OffsetOfParameters,
            Rows = rowsOfSteps,
            Targets = targets,
            OutputOffset = offset,
            DeltaWeights = constants.DeltaWeights,
            DeltaBiases = constants.DeltaBiases,
            DeltaLevels = constants.DeltaLevels,
            States = constants.States,
            Gate = inputs.Gate?.Argument,
            Output = outputs.Buffer,
        }.Launch(function, row, shape));
        foreach (ScanGroup.Root root in group.Roots)
        {
            GpuMatrix[] terms = [.. root.Members.Select(
                member => outputs with { Start = member * offset, Rows = rows })];
            if (terms.Length == 1)
                plan.SetValue(root.Node, terms[0]);
            else
                plan.SetTerms(root.Node, terms);
        }
    }

    /// <summary>What scans read.</summary>
    private sealed record Inputs(
        GpuMatrix U, int OffsetOfU, GpuMatrix Parameters, int OffsetOfParameters, GpuMatrix? Gate);
}
