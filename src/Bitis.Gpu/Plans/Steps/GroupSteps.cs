using Bitis.Gpu.Devices;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Scans;
using Bitis.Gpu.Plans.Patterns;
using Bitis.Graphs;
using Bitis.Graphs.Fusion;
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
        // What the kernel that computes u has left for this group alone.
        GpuLevels? levelsOfU = group.HasConvolutions ? null : plan.LevelsOf(group.Source);
        GpuMatrix? source = levelsOfU is null ? plan.Natural(group.Source) : null;
        int directions = group.Members.Count, channels = group.First.U.Shape[^1], steps = group.Steps;
        ScanBranch[] branches = [.. group.Members.Select(member => member.Branch)];
        QuantizedLayer?[] projections = [.. branches.Select(branch => plan.LayerOf(branch.Parameters))];
        if (projections.Any(layer => layer is null != projections[0] is null))
            throw GpuPlanBuilder.Missing(branches[1].Parameters);
        GpuMatrix? gate = group.Gate is null ? null : plan.Natural(group.Gate);
        var arrangement = new ScanArrangement(
            directions, group.HasConvolutions ? steps : levelsOfU?.Rows ?? source!.Rows, group.Roots[0].Node.Shape[0]);
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
        shape = shape with
        {
            // Besides, only projections read u of a convolution along the tokens. They have levels of their own.
            ReadsLevels = levelsOfU is not null
                || (group.HasConvolutions && shape.Levels is not null && projections[0] is not null),
        };
        Source read = group.HasConvolutions
            ? AddConvolutions(plan, group, source!, projections, shape.ReadsLevels)
            : new Source(source, levelsOfU, ProjectionLevels: null);
        bool fits = (read.U is null || (read.U.Stride == shape.InputStride && read.U.IsHalves == shape.HasHalfInput))
            && (gate is null || gate.IsHalves == plan.KeepsHalves);
        if (!fits)
            throw GpuPlanBuilder.Missing(group.Source);
        int offsetOfU = group.HasConvolutions ? plan.Images * steps * shape.InputStride : 0;
        GpuMatrix parameters;
        int offsetOfParameters;
        if (group.HasConvolutions)
        {
            offsetOfParameters = plan.Images * steps * shape.ParameterStride;
            parameters = AddOwnProjections(plan, shape, branches, projections, read.U, read.ProjectionLevels);
        }
        else
        {
            offsetOfParameters = shape.ParameterStride;
            shape = shape with { ParameterRowStride = directions * shape.ParameterStride };
            parameters = AddSharedProjections(plan, group, shape, projections, source);
        }
        AddScans(
            plan, group, shape, branches,
            new Inputs(read.Argument, offsetOfU, parameters, offsetOfParameters, gate));
    }

    /// <summary>Whether scans quantize u, which then stays float32 before.</summary>
    public static bool HasIntegerScans(GpuPlanBuilder plan, ScanGroup group) =>
        group.Members.Any(member => plan.ScanOf(member.Branch.Scan.Scan) is not null);

    /// <summary>How u becomes the levels of scans, where all that read it want the same levels.</summary>
    /// <returns>1/scale, lowest and highest level of each channel; null if somebody wants floats.</returns>
    public static float[]? OnlyQuantizers(GpuPlanBuilder plan, FusedConvolution u)
    {
        if (plan.Groups.FirstOrDefault(group => group.Source == u.Output) is not { HasConvolutions: false } group
            || !u.Copies.Prepend(u.Output).All(node => plan.IsOnlyReadBy(node, group)) || !HasIntegerScans(plan, group)
            || group.Members.Any(member => plan.LayerOf(member.Branch.Parameters) is null))
        {
            return null;
        }
        float[] all = ScanConstants.InputQuantizers(plan, [.. group.Members.Select(member => member.Branch)]);
        float[] first = all[..(all.Length / group.Members.Count)];
        return all.Chunk(first.Length).All(one => one.AsSpan().SequenceEqual(first)) ? first : null;
    }

    private static Source AddConvolutions(
        GpuPlanBuilder plan, ScanGroup group, GpuMatrix x, QuantizedLayer?[] projections, bool writesLevels)
    {
        int directions = group.Members.Count, steps = group.Steps, channels = x.Columns;
        GpuLevels? levelsOfU = writesLevels ? plan.LevelScratch(directions * steps, channels) : null;
        GpuMatrix? u = writesLevels ? null
            : HasIntegerScans(plan, group) ? plan.Scratch(directions * steps, channels)
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
        (GpuLevels, float[])? scan = levelsOfU is null
            ? null
            : (levelsOfU, ScanConstants.InputQuantizers(plan, [.. group.Members.Select(member => member.Branch)]));
        ConvolutionSteps.AddArranged(plan, nodes, x, group.Rows, hasSilu: true, u, scan, levels, operands, shape);
        return new Source(u, levelsOfU, levels);
    }

    /// <summary>Adds a projection of each direction's own u.</summary>
    private static GpuMatrix AddOwnProjections(
        GpuPlanBuilder plan, ScanShape shape, ScanBranch[] branches, QuantizedLayer?[] projections, GpuMatrix? u,
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
    /// <remarks>Without u as floats, its kernel has written the levels of all projections.</remarks>
    private static GpuMatrix AddSharedProjections(
        GpuPlanBuilder plan, ScanGroup group, ScanShape shape, QuantizedLayer?[] projections, GpuMatrix? u)
    {
        int rows = shape.Arrangement!.InputRows;
        GpuMatrix parameters = plan.Scratch(rows, shape.ParameterRowStride);
        if (projections[0] is null)
        {
            var weights = new float[shape.ParameterRowStride * shape.Channels];
            for (int i = 0; i < group.Members.Count; i++)
            {
                plan.Parameter(group.Members[i].Branch.Parameters, 0).Span.CopyTo(
                    weights.AsSpan(i * shape.ParameterStride * shape.Channels));
            }
            ProductSteps.AddProduct(
                plan, u!, GpuTarget.Of(parameters), [.. group.Members.Select(member => member.Branch.Parameters)],
                weights, bias: null);
            return parameters;
        }
        foreach (ProjectionLevels levels in plan.ProjectionLevelsOf(group)
            ?? ProjectionLevels.Find(plan, group, rows))
        {
            GpuLevels x = levels.Levels ?? ElementSteps.Quantize(plan, u!, levels.Layer, levels.Tokens);
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
            Input = inputs.U,
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

    /// <summary>u of all directions: floats, or levels that scans read; and levels that projections read.</summary>
    private sealed record Source(GpuMatrix? U, GpuLevels? Levels, GpuLevels? ProjectionLevels)
    {
        /// <summary>What scans read.</summary>
        public GpuArgument Argument => U?.Argument ?? Levels!.Argument;
    }

    /// <summary>What scans read.</summary>
    private sealed record Inputs(
        GpuArgument U, int OffsetOfU, GpuMatrix Parameters, int OffsetOfParameters, GpuMatrix? Gate);
}
