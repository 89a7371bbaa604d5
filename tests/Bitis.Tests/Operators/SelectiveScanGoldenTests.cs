using Bitis.Checkpoints;
using Bitis.Operators;
using Bitis.Tensors;

namespace Bitis.Tests.Operators;

/// <summary>The reference recurrence against the official one, whose tensors are <c>[batch, channels, tokens]</c>.</summary>
public sealed class SelectiveScanGoldenTests
{
    [Theory]
    [InlineData("vim-like")]
    [InlineData("vmamba-like")]
    [InlineData("no-softplus")]
    [InlineData("length1")]
    [InlineData("odd")]
    [InlineData("large-delta")]
    public void The_recurrence_equals_the_official_one(string name)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path("selective-scan.golden.safetensors"));
        Tensor delta = Swap(golden.Read($"{name}.delta"));
        if (name != "no-softplus")
            Bias(delta, golden.Read($"{name}.delta_bias"));
        Tensor y = SelectiveScan.Scan(
            Swap(golden.Read($"{name}.u")),
            delta,
            golden.Read($"{name}.A"),
            Swap(golden.Read($"{name}.B")),
            Swap(golden.Read($"{name}.C")),
            golden.Read($"{name}.D"),
            out Tensor lastState);
        if (golden.Contains($"{name}.z"))
        {
            Tensor gate = new Silu().Forward([Swap(golden.Read($"{name}.z"))], []);
            y = new Multiply().Forward([y, gate], []);
        }
        TensorAssert.Close(Swap(golden.Read($"{name}.out")), y, 1e-4, "out");
        TensorAssert.Close(golden.Read($"{name}.last_state"), lastState, 1e-4, "last state");
    }

    private static void Bias(Tensor delta, Tensor bias)
    {
        for (int i = 0; i < delta.Length; i++)
            delta.Span[i] = Softplus.Of(delta.Span[i] + bias.Span[i % bias.Length]);
    }

    /// <summary><c>[batch, a, b]</c> to <c>[batch, b, a]</c>.</summary>
    private static Tensor Swap(Tensor x)
    {
        int batch = x.Shape[0], rows = x.Shape[1], columns = x.Shape[2];
        var y = new Tensor([batch, columns, rows]);
        for (int i = 0; i < x.Length; i++)
            y.Span[(i / (rows * columns) * columns + i % columns) * rows + i / columns % rows] = x.Span[i];
        return y;
    }
}
