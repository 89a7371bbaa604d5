using Bitis.Graphs;
using Bitis.Operators;
using Bitis.Quantization;
using Bitis.Runtime.Kernels;
using Bitis.Tensors;
using SelectiveScan = Bitis.Operators.SelectiveScan;

namespace Bitis.Runtime;

/// <summary>
/// Computes nodes one by one, as the reference does, but the costly ones with the runtime's kernels on all processors:
/// for work that has to see every tensor, such as calibration and simulated quantization. Its values are, bit for bit,
/// those of an <see cref="InferenceSession"/>.
/// </summary>
public sealed class VectorizedEvaluator : INodeEvaluator, IDisposable
{
    private const int RowsPerTask = 64, ChannelsPerTask = 64;

    private readonly Dictionary<Tensor, PackedFloatWeights> _packed = [];
    private readonly Dictionary<Node, PackedScan> _packedScans = [];
    private readonly Dictionary<Node, Tensor> _softplusInputs = [];
    private readonly Dictionary<Tensor, Tensor> _matrices = []; // weights of convolutions over grids in the form that a product takes
    private readonly ParallelOptions _parallel;

    /// <summary>Creates an evaluator.</summary>
    /// <param name="threads">How many threads compute; 0 for one on each processor. Results do not depend on it.</param>
    public VectorizedEvaluator(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads };
    }

    /// <summary>
    /// Whether the scan's decay is computed as sessions of quantized models do it: with an error of a tenth of a step of 8 bits.
    /// </summary>
    public bool CubicDecay { get; init; }

    /// <summary>Scans that compute in integers, by the name of their node; null for none.</summary>
    public IReadOnlyDictionary<string, QuantizedScan>? Scans { get; init; }

    /// <inheritdoc />
    public Tensor Evaluate(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters)
    {
        if (Scans is null)
            return EvaluateFloat(node, inputs, parameters);
        if (Scans.TryGetValue(node.Name, out QuantizedScan? scan))
            return Scan(node, scan, inputs, parameters[1]);
        if (node.Operator is Softplus)
            _softplusInputs[node] = inputs[0];
        return EvaluateFloat(node, inputs, parameters);
    }

    private Tensor EvaluateFloat(Node node, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters) => node.Operator switch
    {
        Linear linear => Multiply(inputs[0], parameters[0], linear.HasBias ? parameters[1] : null),
        Conv2d convolution => Convolve(convolution, inputs[0], parameters),
        GridConv2d convolution => ConvolveGrid(convolution, inputs[0], parameters[0], parameters[1]),
        DepthwiseConv2d layer => ConvolveDepthwise(layer, inputs[0], parameters[0], layer.HasBias ? parameters[1] : null),
        CausalConv1d => ConvolveTokens(inputs[0], parameters[0], parameters[1]),
        RmsNorm norm => Normalize(inputs[0], parameters[0], bias: null, norm.Epsilon),
        LayerNorm norm => Normalize(inputs[0], parameters[0], parameters[1], norm.Epsilon),
        GroupNorm norm => NormalizeGroups(norm, inputs[0], parameters[0], parameters[1]),
        SelectiveScan => Scan(inputs, parameters),
        Silu => Map(inputs[0], Elementwise.Silu.Best),
        Softplus => Map(inputs[0], Elementwise.Softplus.Best),
        Gelu => Map(inputs[0], Elementwise.Gelu.Best),
        Sigmoid => Map(inputs[0], Elementwise.Sigmoid.Best),
        Relu => Map(inputs[0], Elementwise.Relu.Best),
        MeanOfNorms means => AverageNorms(inputs, parameters[0], parameters[1], means.Epsilon),
        _ => node.Operator.Forward(inputs, parameters),
    };

    /// <summary>Frees the packed weights.</summary>
    public void Dispose()
    {
        foreach (PackedFloatWeights weights in _packed.Values)
            weights.Dispose();
        _packed.Clear();
        foreach (PackedScan scan in _packedScans.Values)
            scan.Dispose();
        _packedScans.Clear();
    }

    /// <summary><c>x·Wᵀ + b</c> over all rows of a batch.</summary>
    private unsafe Tensor Multiply(Tensor x, Tensor weight, Tensor? bias)
    {
        PackedFloatWeights packed = Pack(weight, bias);
        int rows = x.Length / packed.Inputs;
        Tensor y = Tensor.Uninitialized([.. x.Shape.Sizes[..^1], packed.Outputs]);
        ForRanges(rows, RowsPerTask, (start, end) => FloatGemm.Run(
            packed, x.Pointer, packed.Inputs, y.Pointer, packed.Outputs, start, end, accumulate: false));
        GC.KeepAlive(x);
        return y;
    }

    private unsafe Tensor Convolve(Conv2d convolution, Tensor x, ReadOnlySpan<Tensor> parameters)
    {
        int batch = x.Shape[0], height = x.Shape[2], width = x.Shape[3];
        int outHeight = convolution.OutputSize(height), outWidth = convolution.OutputSize(width);
        int patch = convolution.InChannels * convolution.Kernel * convolution.Kernel;
        Tensor patches = Tensor.Uninitialized([batch, outHeight * outWidth, patch]);
        for (int image = 0; image < batch; image++)
        {
            Im2Col.Run(
                x.Pointer + (nint)image * convolution.InChannels * height * width,
                convolution.InChannels,
                height,
                width,
                convolution.Kernel,
                convolution.Stride,
                convolution.Padding,
                patches.Pointer + (nint)image * outHeight * outWidth * patch,
                patch);
        }
        Tensor tokens = Multiply(patches, parameters[0], convolution.HasBias ? parameters[1] : null);
        return ToMaps(tokens, outHeight, outWidth);
    }

    /// <summary><c>[batch, height·width, channels]</c> to <c>[batch, channels, height, width]</c>.</summary>
    private static Tensor ToMaps(Tensor tokens, int height, int width)
    {
        int batch = tokens.Shape[0], channels = tokens.Shape[2], count = height * width;
        Tensor maps = Tensor.Uninitialized([batch, channels, height, width]);
        for (int i = 0; i < tokens.Length; i++)
        {
            int image = i / (count * channels), token = i / channels % count, channel = i % channels;
            maps.Span[(image * channels + channel) * count + token] = tokens.Span[i];
        }
        return maps;
    }

    private unsafe Tensor ConvolveGrid(GridConv2d convolution, Tensor x, Tensor weight, Tensor bias)
    {
        int batch = x.Shape[0], places = convolution.OutHeight * convolution.OutWidth, patch = GridPatches.Length(convolution);
        if (!_matrices.TryGetValue(weight, out Tensor? matrix))
        {
            matrix = Tensor.Uninitialized([convolution.OutChannels, patch]);
            GridPatches.PackWeights(convolution, weight.Span, matrix.Span);
            _matrices.Add(weight, matrix);
        }
        Tensor patches = Tensor.Uninitialized([batch, places, patch]);
        ForRanges(batch, 1, (image, _) => GridPatches.Unfold(
            convolution,
            x.Pointer + ((nint)image * convolution.Height * convolution.Width * convolution.InChannels),
            convolution.InChannels,
            patches.Pointer + ((nint)image * places * patch),
            patch,
            0,
            places));
        GC.KeepAlive(x);
        return Multiply(patches, matrix, bias);
    }

    private unsafe Tensor ConvolveDepthwise(DepthwiseConv2d layer, Tensor x, Tensor weight, Tensor? bias)
    {
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2], taps = layer.Kernel * layer.Kernel;
        Tensor packed = Tensor.Uninitialized([taps, channels]);
        CausalConv.PackWeights(weight.Span, packed.Span, channels, taps);
        Tensor y = Tensor.Uninitialized(x.Shape);
        ForRanges(batch, 1, (image, _) =>
        {
            var call = new DepthwiseConvCall
            {
                Height = layer.Height,
                Width = layer.Width,
                Kernel = layer.Kernel,
                SumsOnly = true, // The SiLU is a node of its own.
                Source = x.Pointer + ((nint)image * tokens * channels),
                SourceStride = channels,
                Weights = packed.Pointer,
                WeightStride = channels,
                Bias = bias is null ? null : bias.Pointer,
                Target = y.Pointer + ((nint)image * tokens * channels),
                TargetStride = channels,
            };
            DepthwiseConv.Run(in call, 0, channels);
        });
        GC.KeepAlive((x, packed, bias));
        return y;
    }

    private unsafe Tensor ConvolveTokens(Tensor x, Tensor weight, Tensor bias)
    {
        int batch = x.Shape[0], tokens = x.Shape[1], channels = x.Shape[2], taps = weight.Shape[^1];
        Tensor packed = Tensor.Uninitialized([taps, channels]);
        CausalConv.PackWeights(weight.Span, packed.Span, channels, taps);
        Tensor y = Tensor.Uninitialized(x.Shape);
        ForRanges(batch, 1, (image, _) =>
        {
            var call = new CausalConvCall
            {
                Tokens = tokens,
                Taps = taps,
                SumsOnly = true, // The SiLU is a node of its own.
                Source = x.Pointer + (nint)image * tokens * channels,
                SourceStride = channels,
                Weights = packed.Pointer,
                WeightStride = channels,
                Bias = bias.Pointer,
                Target = y.Pointer + (nint)image * tokens * channels,
                TargetStride = channels,
            };
            CausalConv.Run(in call, 0, channels);
        });
        GC.KeepAlive((x, packed, bias));
        return y;
    }

    private static unsafe Tensor Normalize(Tensor x, Tensor weight, Tensor? bias, float epsilon)
    {
        int channels = x.Shape[^1];
        Tensor y = Tensor.Uninitialized(x.Shape);
        var call = new RowNormCall
        {
            Columns = channels,
            Source = x.Pointer,
            SourceStride = channels,
            Target = y.Pointer,
            TargetStride = channels,
            Weight = weight.Pointer,
            Bias = bias is null ? null : bias.Pointer,
            Epsilon = epsilon,
            Center = bias is not null,
        };
        RowNorm.Run(in call, 0, x.Length / channels);
        GC.KeepAlive((x, weight, bias));
        return y;
    }

    private unsafe Tensor NormalizeGroups(GroupNorm norm, Tensor x, Tensor weight, Tensor bias)
    {
        int batch = x.Shape[0], tokens = x.Shape[1], channels = norm.Channels;
        Tensor y = Tensor.Uninitialized(x.Shape), statistics = Tensor.Uninitialized([batch, 2, channels]);
        ForRanges(batch, 1, (image, _) => GroupNormalization.Run(new GroupNormalizationCall
        {
            Rows = tokens,
            Columns = channels,
            Groups = norm.Groups,
            Source = x.Pointer + ((nint)image * tokens * channels),
            SourceStride = channels,
            Target = y.Pointer + ((nint)image * tokens * channels),
            TargetStride = channels,
            Weight = weight.Pointer,
            Bias = bias.Pointer,
            Epsilon = norm.Epsilon,
            Statistics = statistics.Pointer + ((nint)image * 2 * channels),
        }));
        GC.KeepAlive((x, weight, bias, statistics));
        return y;
    }

    private static unsafe Tensor AverageNorms(ReadOnlySpan<Tensor> sequences, Tensor weight, Tensor bias, float epsilon)
    {
        int batch = sequences[0].Shape[0], channels = weight.Length;
        Tensor y = Tensor.Uninitialized([batch, sequences.Length, channels]);
        for (int i = 0; i < batch * sequences.Length; i++)
        {
            Tensor x = sequences[i % sequences.Length]; // [batch, tokens, channels]
            int tokens = x.Shape[1];
            MeanOfRowNorms.Run(new MeanOfRowNormsCall
            {
                Rows = tokens,
                Columns = channels,
                Source = x.Pointer + ((nint)(i / sequences.Length) * tokens * channels),
                SourceStride = channels,
                Weight = weight.Pointer,
                Bias = bias.Pointer,
                Epsilon = epsilon,
                Mean = y.Pointer + ((nint)i * channels),
            });
            GC.KeepAlive(x);
        }
        GC.KeepAlive((weight, bias));
        return y;
    }

    private unsafe Tensor Scan(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> parameters)
    {
        Tensor u = inputs[0], delta = inputs[1], b = inputs[2], c = inputs[3], d = parameters[1];
        int batch = u.Shape[0], tokens = u.Shape[1], channels = u.Shape[2], states = b.Shape[2];
        Tensor a = Tensor.Uninitialized([states, channels]);
        Kernels.SelectiveScan.PackA(parameters[0].Span, a.Span, channels, states);
        Tensor y = Tensor.Uninitialized(u.Shape);
        int blocks = (channels + ChannelsPerTask - 1) / ChannelsPerTask;
        ForRanges(batch * blocks, 1, (start, _) =>
        {
            int image = start / blocks, channel = start % blocks * ChannelsPerTask;
            nint values = (nint)image * tokens * channels, rows = (nint)image * tokens * states;
            var call = new SelectiveScanCall
            {
                Tokens = tokens,
                States = states,
                U = u.Pointer + values,
                UStride = channels,
                Delta = delta.Pointer + values,
                DeltaStride = channels,
                CubicDecay = CubicDecay,
                A = a.Pointer,
                AStride = channels,
                B = b.Pointer + rows,
                BStride = states,
                C = c.Pointer + rows,
                CStride = states,
                D = d.Pointer,
                Y = y.Pointer + values,
                YStride = channels,
                OutputScale = 1,
            };
            Kernels.SelectiveScan.Run(in call, channel, Math.Min(channel + ChannelsPerTask, channels));
        });
        GC.KeepAlive((u, delta, b, c, d, a));
        return y;
    }

    private Tensor Scan(Node node, QuantizedScan scan, ReadOnlySpan<Tensor> inputs, Tensor d)
    {
        Tensor u = inputs[0], b = inputs[2], c = inputs[3];
        _softplusInputs.Remove(node.Inputs[1], out Tensor? delta);
        if (!_packedScans.TryGetValue(node, out PackedScan? packed))
            _packedScans.Add(node, packed = new PackedScan(scan, d, u.Shape[1]));
        Tensor y = Tensor.Uninitialized(u.Shape);
        ForRanges(u.Shape[0], 1, (image, _) =>
        {
            var call = IntegerScanCall.ForImage(image, u, delta!, b, c, y);
            IntegerScan.Run(packed, in call, 0, y.Shape[2]);
        });
        GC.KeepAlive((u, delta, b, c));
        return y;
    }

    private static unsafe Tensor Map(Tensor x, ElementwiseKernel kernel)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        kernel.Run(x.Pointer, y.Pointer, x.Length);
        GC.KeepAlive(x);
        return y;
    }

    private PackedFloatWeights Pack(Tensor weight, Tensor? bias)
    {
        if (!_packed.TryGetValue(weight, out PackedFloatWeights? packed))
        {
            int outputs = weight.Shape[0];
            packed = new PackedFloatWeights(weight.Span, bias is null ? default : bias.Span, outputs, weight.Length / outputs);
            _packed.Add(weight, packed);
        }
        return packed;
    }

    /// <summary>Calls a body for consecutive ranges, on all threads. Kernels give the same bits for every split.</summary>
    private void ForRanges(int count, int length, Action<int, int> body) => Parallel.For(
        0, (count + length - 1) / length, _parallel, i => body(i * length, Math.Min((i + 1) * length, count)));
}
