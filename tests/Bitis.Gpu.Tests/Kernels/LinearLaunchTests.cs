using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Linear layers with outputs in two places, and several layers in one launch.</summary>
public sealed class LinearLaunchTests
{
    public static TheoryData<string> TensorCores => [.. LinearKernels.Table.Rows.Select(row => row.Name)
        .Where(name => name.Contains("tensor", StringComparison.Ordinal))];

    public static TheoryData<string> All => [.. LinearKernels.Table.Rows.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(TensorCores))]
    public void Outputs_in_two_places_have_the_bits_of_the_CPU(string kernel)
    {
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows.Single(row => row.Name == kernel);
        foreach ((int rows, int columns, int others, bool isHalf) in ((int, int, int, bool)[])[
            (70, 48, 48, false), (5, 34, 100, true), (131, 2, 6, true), (1, 130, 2, false)])
        {
            LinearShape shape = Split(inputs: 60, columns, others, isHalf);
            Assert.True(row.Fits(shape));
            var data = new LinearCase(shape, rows);
            Assert.Equal(data.Expected, data.Run(row));
        }
    }

    [Theory]
    [InlineData("setp.lt.s32", "setp.gt.s32", -1)] // the last one says that columns are floats
    [InlineData("sub.rn.f32", "add.rn.f32", 1)]
    [InlineData("cvt.rni.f32.f32", "mov.f32", 1)]
    [InlineData("st.global.u16", "", 3)]
    [InlineData("st.global.v2.f32", "", 2)]
    [InlineData("sub.s32", "add.s32", -1)]
    public void Mutants_of_outputs_in_two_places_are_caught(string text, string replacement, int occurrence)
    {
        LinearShape shape = Split(inputs: 64, columns: 24, others: 16, isHalf: false);
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows[1];
        string original = row.Emit(shape, PtxTarget.Sm80).Text;
        int count = occurrence > 0 ? occurrence : original.Split(text).Length - 1;
        AssertIsCaught(shape, row, text, replacement, count);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Layers_in_one_launch_have_the_results_of_the_CPU(string kernel)
    {
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows.Single(row => row.Name == kernel);
        foreach (LinearNumbers numbers in Enum.GetValues<LinearNumbers>())
        {
            foreach ((int groups, int rows, int outputs, bool hasBias) in ((int, int, int, bool)[])[
                (2, 130, 44, false), (4, 17, 33, true), (3, 1, 8, true)])
            {
                var shape = new LinearShape(100, outputs, numbers, LinearOutput.Floats, hasBias)
                {
                    Groups = groups,
                    OutputStride = outputs + 3,
                    HasNibbles = numbers == LinearNumbers.Levels && groups == 4,
                };
                if (!row.Fits(shape))
                    continue;
                var data = new LinearCase(shape, rows);
                float[] results = data.Run(row);
                if (numbers == LinearNumbers.Levels)
                    Assert.Equal(data.Expected, results);
                for (int i = 0; i < results.Length; i++)
                    Assert.InRange(results[i] - data.Expected[i], -2e-5, 2e-5);
            }
        }
    }

    [Theory]
    [InlineData("div.s32", "mul.lo.s32", 1)]
    [InlineData("mul.lo.s32", "add.s32", 1)]
    [InlineData("mul.lo.s32", "add.s32", 2)]
    [InlineData("sub.s32", "add.s32", 1)]
    public void Mutants_of_several_layers_are_caught(string text, string replacement, int occurrence)
    {
        var shape = new LinearShape(64, 24, LinearNumbers.Levels, LinearOutput.Floats, HasBias: true) { Groups = 3 };
        AssertIsCaught(shape, LinearKernels.Table.Rows[1], text, replacement, occurrence);
    }

    private static LinearShape Split(int inputs, int columns, int others, bool isHalf) =>
        new(inputs, columns + others, LinearNumbers.Levels, LinearOutput.Levels, HasBias: true)
        {
            Split = new LinearSplit(columns, others + 4, isHalf),
            OutputStride = columns + 6,
        };

    private static void AssertIsCaught(
        LinearShape shape, GpuKernelRow<LinearShape> row, string text, string replacement, int occurrence)
    {
        const int Rows = 70;
        var data = new LinearCase(shape, Rows);
        Assert.Equal(data.Expected, data.Run(row));
        PtxKernel kernel = row.Emit(shape, PtxTarget.Sm80), mutant = kernel with
        {
            Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
        };
        bool isCaught;
        try
        {
            isCaught = !new LinearCase(shape, Rows).Run(row, mutant).AsSpan().SequenceEqual(data.Expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }
}
