using System.Globalization;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Graphs.Operators.Grids;
using Bitis.Graphs.Operators.Tokens;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>
/// Random graphs over all operators. Values are combined one node at a time or in the patterns that backbones are made
/// of (gates, scans in two directions, cross merges, channel gates), then put in a random order, cut into blocks, and
/// given an output.
/// </summary>
internal sealed class GraphGenerator
{
    private const int MinNodes = 2, MaxNodes = 14;

    /// <summary>About how many values of an image a node may have.</summary>
    private const int MaxValues = 6000;

    private static readonly int[] UsualChannels = [4, 8, 8, 12, 16, 16, 24, 32];
    private static readonly int[] UnusualChannels = [1, 2, 3, 5, 6, 7, 10, 17, 20, 33, 40, 65, 72];

    private readonly SeededRandom _random;
    private readonly (double Weight, Action Add)[] _productions;
    private readonly List<NodeSpec> _nodes = [];
    private readonly List<Shape> _shapes = [];
    private readonly List<int> _uses = [];

    private GraphGenerator(SeededRandom random)
    {
        _random = random;
        _productions =
        [
            (2, () => Linear(Any(x => x.Rank >= 1))),
            (2, () => Unary(Any(_ => true))),
            (1.5, () => Norm(Any(x => x.Rank >= 1))),
            (1, () => GroupNorm(Tokens())),
            (2, () => CausalConvolution(Tokens())),
            (2, () => DepthwiseConvolution(Tokens())),
            (1, () => GridConvolution(Tokens())),
            (0.7, () => MergePatches(Tokens())),
            (0.7, () => Pyramid(Tokens())),
            (0.5, () => BatchNorm(Any(x => x.Rank >= 1))),
            (0.6, () => Concat(Any(x => x.Rank >= 1))),
            (2, () => Arrange(Tokens())),
            (1.5, () => Add(new ReverseTokens(), Tokens())),
            (1, () => Halves(Any(x => x.Rank >= 1))),
            (0.7, () => Slice(Any(x => x.Rank >= 1))),
            (0.8, () => InsertToken(Tokens())),
            (0.4, () => SelectToken(Tokens())),
            (0.3, () => Add(new MeanTokens(), Tokens())),
            (0.6, () => AddEmbedding(Tokens())),
            (0.6, () => Rotary(Tokens())),
            (0.7, () => Attention(Tokens())),
            (2.5, () => Binary(new Add())),
            (2.5, () => Binary(new Multiply())),
            (3, () => Gate(Any(x => x.Rank >= 1))),
            (2.5, () => Scan(Tokens(), isLong: false)),
            (1.5, () => Scan(Tokens(), isLong: true)),
            (1.5, () => TwoScans(Tokens())),
            (1.5, () => CrossMerge(Tokens())),
            (2, () => Views(Tokens())),
            (1.2, () => OtherWay(Tokens())),
            (1.2, () => AddAndNorm(Any(x => x.Rank >= 1))),
            (1.2, () => Means(Tokens())),
            (1.2, () => GatedSum(Tokens())),
            (0.7, () => ChannelGate(Tokens())),
            (0.4, () => Flatten(Any(x => x.Rank == 3))),
            (0.4, () => Convolution(Any(x => x.Rank == 3))),
        ];
    }

    /// <summary>The graph of a seed.</summary>
    public static GraphSpec Generate(ulong seed)
    {
        for (ulong attempt = 0; ; attempt++)
        {
            var generator = new GraphGenerator(SeededRandom.ForPart(seed, attempt));
            try
            {
                GraphSpec spec = generator.Generate();
                if (spec.Operators is >= MinNodes and <= MaxNodes)
                    return spec;
            }
            catch (NotApplicableException)
            {
                // No value fits what was drawn; the next attempt draws anew.
            }
        }
    }

    private GraphSpec Generate()
    {
        int channels = 1 + _random.NextInt32(4), side = Of([4, 4, 5, 6, 8]);
        Append(new NodeSpec("input", new Input([channels, side, side]), []), [channels, side, side]);
        int nodes = MinNodes + _random.NextInt32(MaxNodes - MinNodes + 1);
        Stem();
        for (int tries = 0; _nodes.Count < nodes && tries < 100; tries++)
            TryToAdd();
        GraphSpec spec = Finish();
        if (Chance(0.5))
            spec = spec.Select(AnyOrder(spec));
        spec = WithParameterNames(spec);
        return WithBlocks(spec);
    }

    private void TryToAdd()
    {
        double draw = _random.NextDouble() * _productions.Sum(production => production.Weight);
        int chosen = 0;
        while (chosen < _productions.Length - 1 && (draw -= _productions[chosen].Weight) >= 0)
            chosen++;
        int count = _nodes.Count;
        int[] uses = [.. _uses];
        try
        {
            _productions[chosen].Add();
        }
        catch (NotApplicableException)
        {
            // A part of a pattern does not stay.
            _nodes.RemoveRange(count, _nodes.Count - count);
            _shapes.RemoveRange(count, _shapes.Count - count);
            _uses.Clear();
            _uses.AddRange(uses);
        }
    }

    /// <summary>From the image to tokens, or to some other value.</summary>
    private void Stem()
    {
        Shape image = _shapes[0];
        int x = 0;
        switch (_random.NextInt32(8))
        {
            case 0: // the pixels are the tokens
                Add(new FlattenSpatial(), x);
                return;
            case 1: // something before the patches
                x = Unary(x);
                break;
            case 2:
                x = Add(new Conv2d(image[0], 1 + _random.NextInt32(6), 3, 1, 1, Chance(0.5)), x);
                if (Chance(0.5))
                    x = Unary(x);
                break;
            case 3 when Chance(0.3):
                return; // no tokens at all
        }
        int kernel = 1 + _random.NextInt32(3), padding = _random.NextInt32(2);
        int stride = Chance(0.6) ? kernel : 1 + _random.NextInt32(2);
        var patches = new Conv2d(_shapes[x][0], Channels(), kernel, stride, padding, Chance(0.7));
        x = Add(new FlattenSpatial(), Add(patches, x));
        if (Chance(0.3))
            AddEmbedding(x);
    }

    /// <summary>What becomes of the values that nobody reads: they meet in the output, or go.</summary>
    private GraphSpec Finish()
    {
        List<int> loose = [.. Enumerable.Range(1, _nodes.Count - 1).Where(i => _uses[i] == 0)];
        int last = loose[^1];
        bool keepsDead = Chance(0.08);
        if (Chance(0.12) && _shapes[last].Rank == 2)
            return Result(last); // an answer for each token
        int classes = 2 + _random.NextInt32(9);
        if (loose.Count == 1 && Chance(0.3))
            return Result(Vector(last));
        int sum = -1;
        foreach (int value in loose.AsEnumerable().Reverse().Take(3))
        {
            int vector = Vector(value);
            int head = Add(new Linear(_shapes[vector][0], classes, Chance(0.7)), vector);
            sum = sum < 0 ? head : Chance(0.5) ? Add(new Add(), sum, head) : Add(new Add(), head, sum);
        }
        return Result(sum);

        GraphSpec Result(int output)
        {
            var spec = new GraphSpec([.. _nodes], output);
            return keepsDead ? spec : spec.WithoutDeadNodes();
        }
    }

    /// <summary>A value without tokens.</summary>
    private int Vector(int x)
    {
        if (_shapes[x].Rank == 3)
            x = Add(new FlattenSpatial(), x);
        if (_shapes[x].Rank == 2)
            x = Chance(0.5) ? Add(new MeanTokens(), x) : SelectToken(x);
        return x;
    }

    private int[] AnyOrder(GraphSpec spec)
    {
        var order = new List<int> { 0 };
        var waiting = new List<int>(Enumerable.Range(1, spec.Nodes.Count - 1));
        while (waiting.Count > 0)
        {
            int[] ready = [.. waiting.Where(i => spec.Nodes[i].Inputs.All(order.Contains))];
            int next = Of(ready);
            order.Add(next);
            waiting.Remove(next);
        }
        return [.. order];
    }

    /// <summary>Some parameters have names of their own, and some equal layers share theirs.</summary>
    private GraphSpec WithParameterNames(GraphSpec spec)
    {
        if (!Chance(0.1))
            return spec;
        int[] withParameters =
            [.. Enumerable.Range(0, spec.Nodes.Count).Where(i => spec.Nodes[i].Operator.Parameters.Count > 0)];
        if (withParameters.Length == 0)
            return spec;
        int chosen = Of(withParameters);
        int[] equal =
            [.. withParameters.Where(i => i != chosen && spec.Nodes[i].Operator.Equals(spec.Nodes[chosen].Operator))];
        string owner = equal.Length > 0 ? spec.Nodes[Of(equal)].Name : $"own.{chosen}";
        return spec.With(chosen, spec.Nodes[chosen] with { ParameterOwner = owner });
    }

    /// <summary>
    /// No block, one around everything, or several, mostly where a single value goes from one to the next.
    /// </summary>
    private GraphSpec WithBlocks(GraphSpec spec)
    {
        if (Chance(0.25))
            return spec;
        int count = spec.Nodes.Count;
        int[] cuts =
        [
            .. Enumerable.Range(1, count - 1).Where(place => Chance(0.08) || Crossing(spec, place) == 1).Where(
                _ => Chance(0.4)),
        ];
        var blocks = new int?[count];
        int next = 0;
        int? current = Chance(0.35) ? next++ : null;
        for (int i = 1; i < count; i++)
        {
            if (i > 1 && cuts.Contains(i))
                current = current is null || Chance(0.6) ? next++ : null;
            blocks[i] = current;
        }
        return spec with { Nodes = [.. spec.Nodes.Select((node, i) => node with { Block = blocks[i] })] };
    }

    /// <summary>How many values that nodes before a place compute are read at or after it.</summary>
    private static int Crossing(GraphSpec spec, int place) =>
        Enumerable.Range(place, spec.Nodes.Count - place).SelectMany(i => spec.Nodes[i].Inputs).Where(
            input => input < place).Distinct().Count();

    private int Linear(int x) =>
        Add(new Linear(_shapes[x][^1], Chance(0.5) ? _shapes[x][^1] : Channels(), Chance(0.6)), x);

    private int LinearTo(int x, int channels) => Add(new Linear(_shapes[x][^1], channels, Chance(0.6)), x);

    private int Unary(int x) =>
        Add(
            Of<Operator>(
                [new Silu(), new Silu(), new Gelu(), new Relu(), new Sigmoid(), new Softplus(), Factor(), Factor()]),
            x);

    private Scale Factor() => new(Of([0.5f, 0.5f, -1.5f, 2f]));

    private int Norm(int x) =>
        Add(Chance(0.5) ? new RmsNorm(_shapes[x][^1], 1e-5f) : new LayerNorm(_shapes[x][^1], 1e-5f), x);

    private int GroupNorm(int x) => Add(new GroupNorm(_shapes[x][1], Of(Divisors(_shapes[x][1])), 1e-5f), x);

    private int CausalConvolution(int x)
    {
        int y = Add(new CausalConv1d(_shapes[x][1], 1 + _random.NextInt32(5)), x);
        return Chance(0.65) ? Add(new Silu(), y) : y;
    }

    private int DepthwiseConvolution(int x)
    {
        (int height, int width) = Grid(x);
        int y = Add(new DepthwiseConv2d(_shapes[x][1], height, width, Of([1, 3, 3, 5]), Chance(0.6)), x);
        if (Chance(0.6))
            y = Add(new Silu(), y);
        for (int copies = _random.NextInt32(3); copies > 0; copies--)
            Arrange(y);
        return y;
    }

    private int GridConvolution(int x)
    {
        (int height, int width) = Grid(x);
        int kernel = 1 + _random.NextInt32(3), padding = _random.NextInt32(2), stride = 1 + _random.NextInt32(2);
        Require(Math.Min(height, width) + (2 * padding) >= kernel);
        return Add(
            new GridConv2d(
                _shapes[x][1], Chance(0.4) ? _shapes[x][1] : Channels(), height, width, kernel, stride, padding)
            {
                LacksBias = Chance(0.3) ? true : null,
            },
            x);
    }

    /// <summary>A pool, a resize, or a resize that is added to another value.</summary>
    private int Pyramid(int x)
    {
        (int height, int width) = Grid(x);
        if (Chance(0.4))
            return Add(new GridPool(height, width, 1 + _random.NextInt32(4)), x);
        (int outHeight, int outWidth) = (1 + _random.NextInt32(7), 1 + _random.NextInt32(7));
        int y = Add(new GridResize(height, width, outHeight, outWidth), x);
        int[] same = [.. Enumerable.Range(0, _nodes.Count).Where(i => _shapes[i] == _shapes[y] && i != y)];
        if (same.Length == 0 || Chance(0.3))
            return y;
        return Chance(0.5) ? Add(new Add(), Of(same), y) : Add(new Add(), y, Of(same));
    }

    private int BatchNorm(int x)
    {
        int y = Add(new BatchNorm(_shapes[x][^1], 1e-5f), x);
        return Chance(0.5) ? Add(new Relu(), y) : y;
    }

    /// <summary>Two or three values side by side, mostly before a convolution.</summary>
    private int Concat(int x)
    {
        int[] others = [.. Enumerable.Range(0, 1 + _random.NextInt32(2)).Select(_ => Partner(x))];
        int y = Add(new ConcatChannels(), [x, .. others]);
        return _shapes[x].Rank == 2 && Chance(0.6) ? GridConvolution(y) : y;
    }

    private int Convolution(int x)
    {
        int kernel = 1 + _random.NextInt32(3), padding = _random.NextInt32(2);
        Require(Math.Min(_shapes[x][1], _shapes[x][2]) + (2 * padding) >= kernel);
        int y = Add(new Conv2d(_shapes[x][0], Channels(), kernel, 1 + _random.NextInt32(2), padding, Chance(0.5)), x);
        return Chance(0.5) ? Flatten(y) : y;
    }

    private int Flatten(int x) => Add(new FlattenSpatial(), x);

    private int MergePatches(int x)
    {
        (int height, int width) = Grid(x);
        Require(_shapes[x][1] <= 40);
        return Add(new MergePatches(height, width), x);
    }

    private int Arrange(int x)
    {
        int tokens = _shapes[x][0];
        (int height, int width) = Grid(x);
        int[] known =
        [
            .. Enumerable.Range(0, _nodes.Count).Where(
                i => _nodes[i].Operator is ArrangeTokens order && order.Sources.Count == tokens && IsInvertible(i)),
        ];
        if (known.Length > 0 && Chance(0.4))
        {
            int chosen = Of(known);
            return Add(((ArrangeTokens)_nodes[chosen].Operator).Inverse(_shapes[_nodes[chosen].Inputs[0]][0]), x);
        }
        return Add(_random.NextInt32(7) switch
        {
            0 or 1 => ArrangeTokens.ByColumn(height, width),
            2 => Windows(height, width, 2),
            3 => Windows(height, width, 3),
            4 => new ArrangeTokens(Shuffled(tokens)),
            5 => new ArrangeTokens(Shuffled(tokens)[..(1 + _random.NextInt32(tokens))]), // some tokens
            _ => new ArrangeTokens(
                [
                    .. Shuffled(tokens)[..(1 + _random.NextInt32(tokens))].SelectMany(
                        source => Chance(0.2) ? (int[])[-1, source] : [source]),
                ]),
        }, x);
    }

    private bool IsInvertible(int arranged)
    {
        int tokens = _shapes[_nodes[arranged].Inputs[0]][0];
        return ((ArrangeTokens)_nodes[arranged].Operator).Sources.Count(source => source >= 0) == tokens;
    }

    /// <summary>The tokens window by window; with zeros where windows reach over the edge.</summary>
    private static ArrangeTokens Windows(int height, int width, int side)
    {
        int across = (width + side - 1) / side, down = (height + side - 1) / side;
        return new ArrangeTokens([.. Enumerable.Range(0, across * down * side * side).Select(i =>
        {
            int window = i / (side * side), row = (window / across * side)
                + (i / side % side), column = (window % across * side) + (i % side);
            return row < height && column < width ? (row * width) + column : ArrangeTokens.Zeros;
        })]);
    }

    private int Halves(int x)
    {
        int channels = _shapes[x][^1] / 2;
        Require(channels > 0);
        int left = Add(new SliceChannels(0, channels), x), right = Add(new SliceChannels(channels, channels), x);
        return Chance(0.5) ? left : right;
    }

    private int Slice(int x)
    {
        int start = _random.NextInt32(_shapes[x][^1]);
        return Add(new SliceChannels(start, 1 + _random.NextInt32(_shapes[x][^1] - start)), x);
    }

    private int InsertToken(int x)
    {
        int tokens = _shapes[x][0];
        return Add(new InsertToken(Of([0, tokens / 2, tokens]), _shapes[x][1]), x);
    }

    private int SelectToken(int x) => Add(new SelectToken(Of([0, _shapes[x][0] / 2, _shapes[x][0] - 1])), x);

    private int AddEmbedding(int x) => Add(new AddEmbedding(_shapes[x][0], _shapes[x][1]), x);

    private int Rotary(int x)
    {
        int grid = (int)Math.Round(Math.Sqrt(_shapes[x][0]));
        Require(grid * grid == _shapes[x][0]);
        if (_shapes[x][1] % 4 != 0)
            x = LinearTo(x, 8);
        return Add(new RotaryPositions(grid, _shapes[x][1], Of([grid, 3, 14])), x);
    }

    private int Attention(int x)
    {
        int width = Of([4, 8, 12, 20]);
        int qkv = _shapes[x][1] % 3 == 0 && Chance(0.5) ? x : LinearTo(x, 3 * width);
        width = _shapes[qkv][1] / 3;
        return Add(new Attention(width, Of(Divisors(width))), qkv);
    }

    /// <summary>A sum or product of two values of one shape, in either order.</summary>
    private int Binary(Operator op)
    {
        int x = Any(shape => shape.Rank >= 1), y = Partner(x);
        return Chance(0.5) ? Add(op, x, y) : Add(op, y, x);
    }

    /// <summary>A value of the same shape: another one, the same one, or one that is made of it.</summary>
    private int Partner(int x)
    {
        int[] same = [.. Enumerable.Range(0, _nodes.Count).Where(i => _shapes[i] == _shapes[x] && i != x)];
        if (same.Length > 0 && Chance(0.6))
            return Of(same);
        if (Chance(0.05))
            return x;
        return Variant(Chance(0.7) ? x : Any(shape => shape == _shapes[x]));
    }

    /// <summary>A value made of another, of its shape.</summary>
    private int Variant(int x)
    {
        switch (_random.NextInt32(_shapes[x].Rank == 2 ? 6 : 3))
        {
            case 0:
                return LinearTo(x, _shapes[x][^1]);
            case 1:
                return Unary(x);
            case 2:
                return Norm(x);
            case 3:
                return Add(new ReverseTokens(), x);
            case 4:
                (int height, int width) = Grid(x);
                return Add(
                    Chance(0.5) ? ArrangeTokens.ByColumn(height, width) : new ArrangeTokens(Shuffled(_shapes[x][0])),
                    x);
            default:
                return CausalConvolution(x);
        }
    }

    private int Gate(int x)
    {
        int z = Partner(x);
        if (Chance(0.5))
            z = LinearTo(z, _shapes[x][^1]);
        if (Chance(0.5))
            x = LinearTo(x, _shapes[z][^1]);
        int silu, values;
        if (Chance(0.5))
        {
            values = Values();
            silu = Add(new Silu(), z);
        }
        else
        {
            silu = Add(new Silu(), z);
            values = Values();
        }
        return Chance(0.7) ? Add(new Multiply(), values, silu) : Add(new Multiply(), silu, values);

        int Values() => Chance(0.35) ? Add(Factor(), x) : x;
    }

    /// <summary>A scan, and what it takes of its input.</summary>
    private int Scan(int x, bool isLong)
    {
        if (isLong || Chance(0.3))
            x = Add(new Silu(), Add(new CausalConv1d(_shapes[x][1], 1 + _random.NextInt32(4)), x));
        return ScanOf(x, isLong);
    }

    private int ScanOf(int u, bool isLong)
    {
        int channels = _shapes[u][1], states = Of([1, 2, 4, 8, 16, 16]), rank = 1 + _random.NextInt32(4);
        Require(channels * states <= 512);
        int delta, b, c;
        if (isLong)
        {
            int projected = Add(new Linear(channels, rank + (2 * states), HasBias: false), u);
            delta = LinearTo(Add(new SliceChannels(0, rank), projected), channels);
            b = Add(new SliceChannels(rank, states), projected);
            c = Add(new SliceChannels(rank + states, states), projected);
        }
        else
        {
            delta = Chance(0.5) ? u : LinearTo(u, channels);
            b = LinearTo(u, states);
            c = Chance(0.3) ? b : LinearTo(u, states);
        }
        delta = Add(Chance(0.85) ? new Softplus() : new Sigmoid(), delta);
        if (Chance(0.06))
            c = Add(new ReverseTokens(), c);
        if (Chance(0.06))
            delta = Add(new ReverseTokens(), delta);
        return Add(new SelectiveScan(channels, states), u, delta, b, c);
    }

    private int TwoScans(int x)
    {
        int forward = ScanOf(x, isLong: false);
        int backward = ScanOf(Add(new ReverseTokens(), x), isLong: false);
        if (Chance(0.9))
            backward = Add(new ReverseTokens(), backward);
        return Chance(0.5) ? Add(new Add(), forward, backward) : Add(new Add(), backward, forward);
    }

    private int CrossMerge(int x)
    {
        int tokens = _shapes[x][0];
        (int height, int width) = Grid(x);
        int y = Add(
            Chance(0.6) ? ArrangeTokens.ByColumn(height, width) : new ArrangeTokens(Shuffled(tokens)),
            Chance(0.5) ? x : LinearTo(x, _shapes[x][1]));
        if (Chance(0.3))
            y = Add(new ReverseTokens(), y);
        int sum = Chance(0.6) ? Add(new Add(), x, y) : Add(new Add(), y, x);
        return Chance(0.7) ? Norm(sum) : sum;
    }

    /// <summary>Views of one value that meet again.</summary>
    private int Views(int x)
    {
        int[] views = [.. Enumerable.Range(0, 2 + _random.NextInt32(2)).Select(_ => View(x))];
        switch (_random.NextInt32(5))
        {
            case 0:
                return Add(new MeanOfNorms(_shapes[x][1], 1e-5f), views);
            case 1:
                return Add(
                    new GatedSum(), [Add(new MeanOfNorms(_shapes[x][1], 1e-5f), [.. views.Select(_ => x)]), .. views]);
            case 2:
                return Norm(Add(new Add(), views[0], views[1]));
            default:
                return Add(Chance(0.5) ? new Add() : new Multiply(), views[0], views[1]);
        }
    }

    /// <summary>All tokens of a value, in some order.</summary>
    private int View(int x)
    {
        if (Chance(0.2))
            return Chance(0.5) ? x : LinearTo(x, _shapes[x][1]);
        if (Chance(0.5))
        {
            (int height, int width) = Grid(x);
            x = Add(
                Chance(0.6) ? ArrangeTokens.ByColumn(height, width) : new ArrangeTokens(Shuffled(_shapes[x][0])), x);
        }
        return Chance(0.6) ? Add(new ReverseTokens(), x) : x;
    }

    /// <summary>Tokens in another order, something along them, and the way back: a direction of a local scan.</summary>
    private int OtherWay(int x)
    {
        int tokens = _shapes[x][0];
        (int height, int width) = Grid(x);
        ArrangeTokens order = Of<ArrangeTokens>(
            [ArrangeTokens.ByColumn(height, width), Windows(height, width, 2), Windows(height, width, 3)]);
        bool isReversed = Chance(0.5);
        int y = Add(order, x);
        if (isReversed)
            y = Add(new ReverseTokens(), y);
        y = Add(new CausalConv1d(_shapes[x][1], 2 + _random.NextInt32(3)), y);
        if (Chance(0.8))
            y = Add(new Silu(), y);
        if (Chance(0.3))
            y = ScanOf(y, isLong: false);
        if (isReversed)
            y = Add(new ReverseTokens(), y);
        return Add(order.Inverse(tokens), y);
    }

    private int AddAndNorm(int x)
    {
        int y = Partner(x);
        return Norm(Chance(0.5) ? Add(new Add(), x, y) : Add(new Add(), y, x));
    }

    private int Means(int x)
    {
        int[] sequences = Sequences(x);
        return Add(new MeanOfNorms(_shapes[x][1], 1e-5f), sequences);
    }

    private int GatedSum(int x)
    {
        int[] sequences = Sequences(x);
        Shape gates = [sequences.Length, _shapes[x][1]];
        int[] known = [.. Enumerable.Range(0, _nodes.Count).Where(i => _shapes[i] == gates)];
        int gate = known.Length > 0 && Chance(0.6) ? Of(known) : Add(new MeanOfNorms(_shapes[x][1], 1e-5f), sequences);
        return Add(new GatedSum(), [gate, .. sequences]);
    }

    private int ChannelGate(int x)
    {
        int[] sequences = Sequences(x);
        int gates = Add(new MeanOfNorms(_shapes[x][1], 1e-5f), sequences);
        gates = Add(new Sigmoid(), LinearTo(Add(new Gelu(), LinearTo(gates, Of([2, 4]))), _shapes[x][1]));
        return Add(new GatedSum(), [gates, .. sequences]);
    }

    /// <summary>One to three values of one shape.</summary>
    private int[] Sequences(int x) =>
        Enumerable.Range(0, _random.NextInt32(3)).Aggregate((int[])[x], (all, _) => [.. all, Partner(x)]);

    private int Any(Func<Shape, bool> fits)
    {
        int[] fitting = [.. Enumerable.Range(0, _nodes.Count).Where(i => fits(_shapes[i]))];
        Require(fitting.Length > 0);
        int[] unused = [.. fitting.Where(i => _uses[i] == 0)];
        return unused.Length > 0 && Chance(0.7) ? Of(unused) : Of(fitting);
    }

    private int Tokens() => Any(shape => shape.Rank == 2);

    private int Channels() => Of(Chance(0.75) ? UsualChannels : UnusualChannels);

    /// <summary>Some grid on which a value's tokens may lie.</summary>
    private (int Height, int Width) Grid(int x)
    {
        int tokens = _shapes[x][0], height = Of(Divisors(tokens));
        int square = (int)Math.Round(Math.Sqrt(tokens));
        return square * square == tokens && Chance(0.7) ? (square, square) : (height, tokens / height);
    }

    private static int[] Divisors(int number) =>
        [.. Enumerable.Range(1, number).Where(divisor => number % divisor == 0)];

    private int[] Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        _random.Shuffle<int>(order);
        return order;
    }

    private int Add(Operator op, params int[] inputs)
    {
        Shape shape = op.OutputShape([.. inputs.Select(input => _shapes[input])]);
        Require(shape.ElementCount is > 0 and <= MaxValues);
        foreach (int input in inputs)
            _uses[input]++;
        return Append(
            new NodeSpec($"{op.Kind}{_nodes.Count.ToString(CultureInfo.InvariantCulture)}", op, inputs), shape);
    }

    private int Append(NodeSpec node, Shape shape)
    {
        _nodes.Add(node);
        _shapes.Add(shape);
        _uses.Add(0);
        return _nodes.Count - 1;
    }

    private bool Chance(double share) => _random.NextDouble() < share;

    private T Of<T>(ReadOnlySpan<T> choices) => choices[_random.NextInt32(choices.Length)];

    private static void Require(bool condition)
    {
        if (!condition)
            throw new NotApplicableException();
    }

    private sealed class NotApplicableException : Exception;
}
