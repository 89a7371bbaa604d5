using System.Numerics.Tensors;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;

namespace Bitis.Quantization.Scans;

/// <summary>
/// What a selective scan's discrete parameters Ā = exp(Δ·A) and hidden states h were over some images: how Ā is
/// distributed, and how the magnitude of h moves along the tokens, in the order in which the scan sees them.
/// </summary>
internal sealed class ScanStatistics
{
    /// <summary>Bins of the distribution of Ā between 0 and 1.</summary>
    public const int Bins = 1000;

    private readonly long[] _histogram = new long[Bins];
    private readonly double[] _magnitudeSums;
    private readonly float[] _maxima; // [tokens, channels]
    private readonly double[] _maximaSums; // of the images' own, [tokens, channels]
    private readonly int _tokens, _channels, _states;
    private double _sum, _squares, _cubes;
    private long _images;

    /// <summary>Starts with nothing seen.</summary>
    /// <param name="name">The scan's node.</param>
    /// <param name="tokens">L.</param>
    /// <param name="scan">The scan's size.</param>
    internal ScanStatistics(string name, int tokens, ScanSize scan)
    {
        ArgumentNullException.ThrowIfNull(scan);
        Name = name;
        (_tokens, _channels, _states) = (tokens, scan.Channels, scan.States);
        _maxima = new float[_tokens * _channels];
        _maximaSums = new double[_tokens * _channels];
        _magnitudeSums = new double[tokens];
    }

    /// <summary>The scan's node.</summary>
    public string Name { get; }

    /// <summary>How many values of Ā fell into each bin.</summary>
    public ReadOnlySpan<long> DecayHistogram => _histogram;

    /// <summary>The largest |h| at each token, over channels, states and images.</summary>
    public float[] TokenMaxima =>
        [.. Enumerable.Range(0, _tokens).Select(
            t => TensorPrimitives.Max<float>(_maxima.AsSpan(t * _channels, _channels)))];

    /// <summary>The largest |h| of each channel, over tokens, states and images.</summary>
    public float[] ChannelMaxima =>
        [.. Enumerable.Range(0, _channels).Select(
            e => Enumerable.Range(0, _tokens).Max(t => _maxima[(t * _channels) + e]))];

    /// <summary>The mean, over the images, of the largest |h| over the states at a token, <c>[channels]</c>.</summary>
    /// <param name="token">Counted in the order in which the scan sees the tokens.</param>
    public float[] MeanMaximaOf(int token) =>
        Array.ConvertAll(
            _maximaSums[(token * _channels)..((token + 1) * _channels)], sum => (float)(sum / Math.Max(1, _images)));

    /// <summary>The mean |h| at each token.</summary>
    public double[] TokenMeans =>
        Array.ConvertAll(_magnitudeSums, sum => sum / Math.Max(1, _images * _channels * _states));

    /// <summary>The mean of Ā.</summary>
    public double DecayMean => _sum / Count;

    /// <summary>The skewness of Ā, E[(Ā − μ)³]/σ³: negative where a long tail lies below.</summary>
    public double DecaySkewness
    {
        get
        {
            double mean = DecayMean, variance = (_squares / Count) - (mean * mean);
            double third = (_cubes / Count) - (3 * mean * _squares / Count) + (2 * mean * mean * mean);
            return variance <= 0 ? 0 : third / Math.Pow(variance, 1.5);
        }
    }

    private double Count => Math.Max(1, _images * (double)_tokens * _channels * _states);

    /// <summary>The value of Ā below which a share of them lies, to a bin.</summary>
    /// <param name="share">0.5 for the median.</param>
    public double DecayQuantile(double share)
    {
        double wanted = share * _histogram.Sum();
        long below = 0;
        for (int i = 0; i < Bins; i++)
        {
            if (below + _histogram[i] >= wanted && _histogram[i] > 0)
                return (i + ((wanted - below) / _histogram[i])) / Bins;
            below += _histogram[i];
        }
        return 1;
    }

    /// <summary>Takes the images of a batch in; the result does not depend on how images are batched.</summary>
    /// <param name="inputs">The scan's u, Δ, B and C, <c>[batch, tokens, …]</c>.</param>
    /// <param name="aLog">A_log, <c>[channels, states]</c>.</param>
    /// <exception cref="BitisException">A hidden state is not a number.</exception>
    public void Observe(ReadOnlySpan<FloatTensor> inputs, FloatTensor aLog) => Observe(inputs, aLog, observer: null);

    /// <summary>
    /// As <see cref="Observe(ReadOnlySpan{FloatTensor}, FloatTensor)"/>, and shows Ā and h of each image,
    /// <c>[1, tokens, states·channels]</c>.
    /// </summary>
    internal void Observe(
        ReadOnlySpan<FloatTensor> inputs, FloatTensor aLog, Action<FloatTensor, FloatTensor>? observer)
    {
        ArgumentNullException.ThrowIfNull(aLog);
        FloatTensor u = inputs[0], delta = inputs[1], b = inputs[2];
        float[] rates = Rates(aLog);
        FloatTensor? decays = null, states = null;
        if (observer is not null)
        {
            (decays, states) = (
                FloatTensor.Uninitialized([1, _tokens, _states * _channels]),
                FloatTensor.Uninitialized([1, _tokens, _states * _channels]));
        }

        for (int image = 0; image < u.Shape[0]; image++)
        {
            Observe(
                u.Span.Slice(image * (u.Length / u.Shape[0]), u.Length / u.Shape[0]),
                delta.Span.Slice(image * (u.Length / u.Shape[0]), u.Length / u.Shape[0]),
                b.Span.Slice(image * (b.Length / b.Shape[0]), b.Length / b.Shape[0]),
                rates,
                decays,
                states);
            observer?.Invoke(decays!, states!);
        }
    }

    /// <summary>A, <c>[states, channels]</c>.</summary>
    private float[] Rates(FloatTensor aLog)
    {
        int channels = _channels;
        var rates = new float[aLog.Length];
        for (int i = 0; i < rates.Length; i++)
            rates[(i % _states * channels) + (i / _states)] = -MathF.Exp(aLog.Span[i]);
        return rates;
    }

    /// <summary>One image: the recurrence, a register-friendly row of channels at a time.</summary>
    private void Observe(
        ReadOnlySpan<float> u, ReadOnlySpan<float> delta, ReadOnlySpan<float> b, float[] rates, FloatTensor? decays,
        FloatTensor? hiddenStates)
    {
        int channels = _channels;
        float[] states = new float[_states * channels], decay = new float[channels], input = new float[channels],
            maxima = new float[channels];
        double sum = 0, squares = 0, cubes = 0;
        for (int t = 0; t < _tokens; t++)
        {
            ReadOnlySpan<float> step = delta.Slice(t * channels, channels);
            Array.Clear(maxima);
            for (int n = 0; n < _states; n++)
            {
                Span<float> h = states.AsSpan(n * channels, channels);
                TensorPrimitives.Multiply(step, rates.AsSpan(n * channels, channels), decay);
                TensorPrimitives.Exp<float>(decay, decay);
                TensorPrimitives.Multiply(step, u.Slice(t * channels, channels), input);
                TensorPrimitives.Multiply(input, b[(t * _states) + n], input);
                TensorPrimitives.MultiplyAdd(decay, h, input, h);
                TensorPrimitives.MaxMagnitude(maxima, h, maxima);
                _magnitudeSums[t] += TensorPrimitives.SumOfMagnitudes<float>(h);
                sum += TensorPrimitives.Sum<float>(decay);
                squares += TensorPrimitives.SumOfSquares<float>(decay);
                if (decays is not null)
                    decay.CopyTo(decays.Span[(((t * _states) + n) * channels)..]);
                foreach (float value in decay)
                {
                    cubes += (double)value * value * value;
                    _histogram[Math.Clamp((int)(value * Bins), 0, Bins - 1)]++;
                }
            }
            if (hiddenStates is not null)
                states.CopyTo(hiddenStates.Span[(t * states.Length)..]);
            TensorPrimitives.Abs(maxima, maxima);
            Span<float> all = _maxima.AsSpan(t * channels, channels);
            TensorPrimitives.Max(all, maxima, all);
            for (int e = 0; e < channels; e++)
                _maximaSums[(t * channels) + e] += maxima[e];
            if (!TensorPrimitives.IsFiniteAll<float>(maxima))
            {
                throw new BitisException(
                    $"{Name}: a hidden state is NaN or infinite at token {t}. Check the weights (bitis inspect) and "
                    + "the images.");
            }
        }
        (_sum, _squares, _cubes) = (_sum + sum, _squares + squares, _cubes + cubes);
        _images++;
    }
}
