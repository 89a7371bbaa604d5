using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Quantization.Scans;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>What is observed of a scan, against the recurrence written out.</summary>
public sealed class ScanStatisticsTests
{
    private const int Images = 3, Tokens = 7, Channels = 5, States = 4;

    private readonly FloatTensor _u = Random(1, Images, Tokens, Channels),
        _delta = Positive(2, Images, Tokens, Channels);
    private readonly FloatTensor _b = Random(3, Images, Tokens, States), _aLog = Random(4, Channels, States);

    [Fact]
    public void Distribution_and_magnitudes_are_those_of_the_recurrence()
    {
        (double[] decays, float[,,,] states) = Recurrence();
        ScanStatistics seen = Observe(_u, _delta, _b);
        double decay = decays.Average(), deviation = Math.Sqrt(decays.Average(value => Math.Pow(value - decay, 2)));
        Assert.Equal(decay, seen.DecayMean, 1e-5);
        Assert.Equal(decays.Average(value => Math.Pow((value - decay) / deviation, 3)), seen.DecaySkewness, 1e-3);
        Assert.Equal(decays.Length, seen.DecayHistogram.ToArray().Sum());
        double[] sorted = [.. decays.Order()];
        foreach (double share in (double[])[0.05, 0.5, 0.95])
            Assert.Equal(sorted[(int)(share * (sorted.Length - 1))], seen.DecayQuantile(share), 0.03);
        for (int t = 0; t < Tokens; t++)
        {
            float[] values = [.. All(states, t, null)];
            Assert.Equal(values.Max(), seen.TokenMaxima[t], 1e-4f);
            Assert.Equal(values.Average(), seen.TokenMeans[t], 1e-4);
            for (int e = 0; e < Channels; e++)
            {
                double mean = Enumerable.Range(0, Images)
                    .Average(image => Enumerable.Range(0, States).Max(n => states[image, t, e, n]));
                Assert.Equal(mean, seen.MeanMaximaOf(t)[e], 1e-4);
            }
        }
        for (int e = 0; e < Channels; e++)
            Assert.Equal(All(states, null, e).Max(), seen.ChannelMaxima[e], 1e-4f);
    }

    [Fact]
    public void The_result_does_not_depend_on_the_batches()
    {
        ScanStatistics whole = Observe(_u, _delta, _b), split = New();
        for (int image = 0; image < Images; image++)
            split.Observe([Image(_u, image), Image(_delta, image), Image(_b, image), Image(_b, image)], _aLog);
        Assert.Equal(whole.TokenMaxima, split.TokenMaxima);
        Assert.Equal(whole.MeanMaximaOf(3), split.MeanMaximaOf(3));
        Assert.Equal(whole.DecayHistogram.ToArray(), split.DecayHistogram.ToArray());
        Assert.Equal(whole.DecaySkewness, split.DecaySkewness);
    }

    [Fact]
    public void A_state_that_is_no_number_is_refused_with_the_scan_and_the_token()
    {
        _u.Span[Channels * 2] = float.PositiveInfinity;
        string message = Assert.Throws<BitisException>(() => Observe(_u, _delta, _b)).Message;
        Assert.StartsWith("layers.3.mixer.scan: ", message);
        Assert.Contains("token 2", message);
    }

    private static ScanStatistics New() => new("layers.3.mixer.scan", Tokens, new ScanSize(Channels, States));

    private ScanStatistics Observe(FloatTensor u, FloatTensor delta, FloatTensor b)
    {
        ScanStatistics statistics = New();
        statistics.Observe([u, delta, b, b], _aLog);
        return statistics;
    }

    private (double[] Decays, float[,,,] States) Recurrence()
    {
        var decays = new List<double>();
        var states = new float[Images, Tokens, Channels, States];
        for (int i = 0; i < Images * Channels * States; i++)
        {
            int image = i / (Channels * States), e = i / States % Channels, n = i % States;
            double h = 0, a = -Math.Exp(_aLog.Span[(e * States) + n]);
            for (int t = 0; t < Tokens; t++)
            {
                int token = (image * Tokens) + t;
                double step = _delta.Span[(token * Channels) + e], decay = Math.Exp(step * a);
                h = (decay * h) + (step * _u.Span[(token * Channels) + e] * _b.Span[(token * States) + n]);
                decays.Add(decay);
                states[image, t, e, n] = (float)Math.Abs(h);
            }
        }
        return ([.. decays], states);
    }

    private static IEnumerable<float> All(float[,,,] states, int? token, int? channel)
    {
        for (int i = 0; i < Images * Tokens * Channels * States; i++)
        {
            int t = i / (Channels * States) % Tokens, e = i / States % Channels;
            if ((token ?? t) == t && (channel ?? e) == e)
                yield return states[i / (Tokens * Channels * States), t, e, i % States];
        }
    }

    private static FloatTensor Image(FloatTensor values, int image)
    {
        int length = values.Length / Images;
        return FloatTensor.From(values.Shape.DropFirst().Prepend(1), values.Span.Slice(image * length, length));
    }

    private static FloatTensor Random(ulong seed, params int[] shape)
    {
        var random = new SeededRandom(seed);
        var tensor = new FloatTensor([.. shape]);
        foreach (ref float value in tensor.Span)
            value = (float)random.NextNormal();
        return tensor;
    }

    private static FloatTensor Positive(ulong seed, params int[] shape)
    {
        FloatTensor tensor = Random(seed, shape);
        foreach (ref float value in tensor.Span)
            value = MathF.Abs(value) * 0.2f;
        return tensor;
    }
}
