using System.Numerics.Tensors;
using Bitis.Checkpoints;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Activations;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Scan;
using Bitis.Tensors;
using SelectiveScan = Bitis.Graphs.Operators.SelectiveScan;

namespace Bitis.Tests.Operators;

/// <summary>
/// The reference recurrence, and the kernels of its backward pass, against the official one, whose tensors are
/// <c>[batch, channels, tokens]</c>.
/// </summary>
public sealed class SelectiveScanGoldenTests
{
    public static TheoryData<string> Cases =>
        ["vim-like", "vmamba-like", "no-softplus", "length1", "odd", "large-delta"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_recurrence_equals_the_official_one(string name)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path("selective-scan.golden.safetensors"));
        FloatTensor delta = Swap(golden.Read($"{name}.delta"));
        if (name != "no-softplus")
        {
            AddBias(delta, golden.Read($"{name}.delta_bias"));
            ApplySoftplus(delta);
        }
        FloatTensor y = SelectiveScan.Scan(
            Swap(golden.Read($"{name}.u")),
            delta,
            golden.Read($"{name}.A"),
            Swap(golden.Read($"{name}.B")),
            Swap(golden.Read($"{name}.C")),
            golden.Read($"{name}.D"),
            out FloatTensor lastState);
        if (golden.Contains($"{name}.z"))
        {
            FloatTensor gate = new Silu().Forward([Swap(golden.Read($"{name}.z"))], []);
            y = new Multiply().Forward([y, gate], []);
        }
        TensorAssert.Close(Swap(golden.Read($"{name}.out")), y, 1e-4, "out");
        TensorAssert.Close(golden.Read($"{name}.last_state"), lastState, 1e-4, "last state");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_form_of_the_reverse_pass_equals_the_official_gradients(string name)
    {
        using Checkpoint golden = Checkpoint.Open(GoldenFiles.Path("selective-scan.golden.safetensors"));
        foreach (CallKernel<SelectiveScanGradientCall> kernel in SelectiveScanGradient.Table.Runnable)
        {
            Dictionary<string, FloatTensor> sums = Gradients(golden, name, kernel);
            foreach ((string input, FloatTensor gradient) in sums)
                TensorAssert.Close(golden.Read($"{name}.grad_{input}"), gradient, 1e-3, $"{kernel}: {input}");
            // all but grad_out
            Assert.Equal(golden.Entries.Count(entry => entry.Name.StartsWith($"{name}.grad_")) - 1, sums.Count);
        }
    }

    /// <summary>The gradients of all inputs, in the official layout.</summary>
    private static Dictionary<string, FloatTensor> Gradients(
        Checkpoint golden, string name, CallKernel<SelectiveScanGradientCall> kernel)
    {
        FloatTensor delta = Swap(Read("delta")), u = Swap(Read("u")), output = Swap(Read("grad_out"));
        bool hasBias = golden.Contains($"{name}.delta_bias"), hasGate = golden.Contains($"{name}.z");
        int batch = u.Shape[0], tokens = u.Shape[1], channels = u.Shape[2], states = Read("A").Shape[1];
        if (hasBias)
            AddBias(delta, Read("delta_bias"));
        Dictionary<string, FloatTensor> sums = new[] { "u", "delta", "B", "C", "A", "D" }.ToDictionary(
            input => input, input => new FloatTensor(Layout(input)));
        if (hasBias)
            sums.Add("delta_bias", new FloatTensor([channels]));
        if (hasGate)
            sums.Add("z", new FloatTensor(Layout("z")));
        for (int image = 0; image < batch; image++)
        {
            using SelectiveScanGradientCase data = Create(Image(output));
            float[][] gradients = data.GradientsOf(kernel);
            if (hasGate) // the gate's backward pass needs the scan's output, and the scan's that of the gate
            {
                (float[] scan, float[] z) = GateBackward(data.Y(), Image(Swap(Read("z"))), Image(output));
                Put("z", z);
                using SelectiveScanGradientCase gated = Create(scan);
                gradients = gated.GradientsOf(kernel);
            }
            Put("u", gradients[0]);
            Put("delta", gradients[1]);
            Put("B", gradients[2]);
            Put("C", gradients[3]);
            TensorPrimitives.Add(sums["A"].Span, gradients[4], sums["A"].Span);
            TensorPrimitives.Add(sums["D"].Span, gradients[5], sums["D"].Span);
            for (int i = 0; hasBias && i < gradients[1].Length; i++)
                sums["delta_bias"].Span[i % channels] += gradients[1][i];

            SelectiveScanGradientCase Create(float[] outputGradient) => new(tokens, channels, states)
            {
                Softplus = name != "no-softplus",
                U = Image(u),
                Delta = Image(delta),
                B = Image(Swap(Read("B"))),
                C = Image(Swap(Read("C"))),
                A = Read("A").Span.ToArray(),
                D = Read("D").Span.ToArray(),
                OutputGradient = outputGradient,
            };
            float[] Image(FloatTensor x) => x.Span.Slice(image * (x.Length / batch), x.Length / batch).ToArray();
            void Put(string input, float[] values) => values.CopyTo(sums[input].Span[(image * values.Length)..]);
        }
        return sums.ToDictionary(pair => pair.Key, pair => pair.Value.Shape.Rank == 3 ? Swap(pair.Value) : pair.Value);

        FloatTensor Read(string input) => golden.Read($"{name}.{input}");
        Shape Layout(string input) =>
            Read(input).Shape is { Rank: 3 } shape ? [shape[0], shape[2], shape[1]] : Read(input).Shape;
    }

    private static unsafe (float[] X, float[] Z) GateBackward(float[] x, float[] z, float[] y)
    {
        float[] xGradient = new float[x.Length], zGradient = new float[x.Length];
        fixed (float* xp = x, zp = z, yp = y, xg = xGradient, zg = zGradient)
            Gate.Table.Best.Backward(xp, zp, yp, xg, zg, x.Length);
        return (xGradient, zGradient);
    }

    private static void AddBias(FloatTensor delta, FloatTensor bias)
    {
        for (int i = 0; i < delta.Length; i++)
            delta.Span[i] += bias.Span[i % bias.Length];
    }

    private static void ApplySoftplus(FloatTensor delta)
    {
        for (int i = 0; i < delta.Length; i++)
            delta.Span[i] = Softplus.Of(delta.Span[i]);
    }

    /// <summary><c>[batch, a, b]</c> to <c>[batch, b, a]</c>.</summary>
    private static FloatTensor Swap(FloatTensor x)
    {
        int batch = x.Shape[0], rows = x.Shape[1], columns = x.Shape[2];
        var y = new FloatTensor([batch, columns, rows]);
        for (int i = 0; i < x.Length; i++)
            y.Span[(i / (rows * columns) * columns + i % columns) * rows + i / columns % rows] = x.Span[i];
        return y;
    }
}
