using Bitis.Quantization;
using Bitis.Quantization.Calibration;
using Bitis.Quantization.Estimators;
using Bitis.Quantization.Methods;
using Bitis.Quantization.Recipes;
using Bitis.Tensors;

namespace Bitis.Tests.Quantization;

/// <summary>The Hadamard transform before a layer quantizes its input (Quamba).</summary>
public sealed class RotationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    [InlineData(64)]
    public void The_transform_equals_its_matrix_and_is_its_own_inverse(int order)
    {
        float[] x = Sample.Floats(1, 3 * order), rotated = new float[x.Length];
        Rotation.Apply(x, order, rotated);
        for (int i = 0; i < x.Length; i++)
        {
            double sum = 0;
            for (int j = 0; j < order; j++)
                sum += x[i / order * order + j] * (int.PopCount(i % order & j) % 2 == 0 ? 1 : -1);
            Assert.Equal(sum / Math.Sqrt(order), rotated[i], 1e-5);
        }
        Rotation.Apply(rotated, order, rotated);
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(x[i], rotated[i], 1e-5);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(12, 4)]
    [InlineData(384, 128)]
    public void Blocks_are_the_largest_power_of_two_that_divides(int channels, int order) =>
        Assert.Equal(order, Rotation.OrderFor(channels));

    [Fact]
    public void Quamba_rotates_what_scans_computed_and_nothing_else()
    {
        VisionModel model = MicroModel.Load();
        QuantizedModel quantized = MicroModel.Quantize(model, new Recipe { Method = "quamba", Scope = Scope.Full });
        foreach ((string name, QuantizedLayer layer) in quantized.Layers)
        {
            Assert.Equal(
                name.EndsWith("out_proj", StringComparison.Ordinal)
                    ? Rotation.OrderFor(model.Graph[name].Inputs[0].Shape[^1])
                    : 1,
                layer.RotationOrder);
        }
    }

    [Fact]
    public void A_rotated_layer_spreads_an_outlier_and_keeps_its_weights()
    {
        // One large value in 16 takes most of a grid; rotated, it is a sixteenth of its square in each channel.
        var weight = new FloatTensor([4, 16]);
        Sample.Floats(2, 64).CopyTo(weight.Span);
        float[] x = Sample.Floats(3, 16, -0.1f, 0.1f);
        x[5] = 30;
        var rotated = new float[16];
        Rotation.Apply(x, 16, rotated);
        Assert.True(rotated.Max() - rotated.Min() < 20 && x.Max() - x.Min() > 29);

        var statistics = new SiteStatistics("x", 1);
        statistics.ObserveRange(FloatTensor.From([1, 1, 16], rotated));
        QuantizedLayer layer = QuantizedLayer.Create(
            weight,
            new BitWidths(8, 8),
            Granularity.PerTensor,
            statistics,
            new MinMaxEstimator(),
            threads: 1,
            rotation: 16);
        FloatTensor back = layer.DequantizeWeight(new Bitis.Graphs.Operators.Linear(16, 4, HasBias: false));
        for (int i = 0; i < weight.Length; i++)
            Assert.Equal(weight.Span[i], back.Span[i], 0.02);
        Assert.Throws<ArgumentException>(() => new QuantizedLayer(null, null, layer.Input, rotation: 16));
        Assert.Throws<ArgumentException>(
            () => new QuantizedLayer(layer.Levels, layer.Weight, layer.Input, rotation: 12));
    }
}
