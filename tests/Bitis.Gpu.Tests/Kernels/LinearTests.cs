using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Products;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Linear layers give the CPU's bits from levels, and its values from floats.</summary>
public sealed class LinearTests
{
    public static TheoryData<string, int, int, int, bool> Shapes()
    {
        var data = new TheoryData<string, int, int, int, bool>();
        (int Rows, int Outputs, int Inputs, bool HasBias)[] shapes =
        [
            (197, 44, 48, false), (1, 10, 64, true), (65, 33, 17, true), (130, 130, 200, false), (3, 1, 1, true),
            (17, 8, 128, true),
        ];
        foreach (GpuKernelRow<LinearShape> row in LinearKernels.Table.Rows)
        {
            foreach ((int rows, int outputs, int inputs, bool hasBias) in shapes)
                data.Add(row.Name, rows, outputs, inputs, hasBias);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Results_are_those_of_the_CPU(string kernel, int rows, int outputs, int inputs, bool hasBias)
    {
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows.Single(row => row.Name == kernel);
        foreach (LinearNumbers numbers in Enum.GetValues<LinearNumbers>())
        {
            foreach (LinearOutput output in Enum.GetValues<LinearOutput>())
            {
                var shape = new LinearShape(inputs, outputs, numbers, output, hasBias)
                {
                    Activation = hasBias && inputs != 64 ? LinearActivation.Gelu : LinearActivation.None,
                    Levels = output == LinearOutput.Levels ? new LevelShape(252, HasFactors: !hasBias) : null,
                };
                if (!row.Fits(shape))
                    continue;
                var data = new LinearCase(shape, rows);
                float[] results = data.Run(row);
                bool isExact = numbers == LinearNumbers.Levels && shape.Activation == LinearActivation.None;
                double tolerance = isExact ? 0
                    : output == LinearOutput.Halves ? 2e-3
                    : output == LinearOutput.Levels ? 1.01 // one level
                    : 1e-5;
                for (int i = 0; i < results.Length; i++)
                {
                    float size = output == LinearOutput.Levels ? 1 : Math.Max(1, Math.Abs(data.Expected[i]));
                    Assert.True(
                        Math.Abs(results[i] - data.Expected[i]) <= tolerance * size,
                        $"{shape}: {results[i]} instead of {data.Expected[i]} at {i}");
                }
            }
        }
    }

    [Theory]
    [InlineData("linear-tensor-cores-large")]
    [InlineData("linear-tensor-cores-small")]
    public void Weights_of_4_bits_give_the_bits_of_the_CPU(string kernel)
    {
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows.Single(row => row.Name == kernel);
        foreach ((int rows, int outputs, int inputs) in ((int, int, int)[])[(70, 60, 192), (3, 33, 17), (130, 8, 100)])
        {
            var shape = new LinearShape(inputs, outputs, LinearNumbers.Levels, LinearOutput.Floats, HasBias: true)
            {
                HasNibbles = true,
            };
            Assert.True(row.Fits(shape));
            var data = new LinearCase(shape, rows);
            Assert.Equal(data.Expected, data.Run(row));
            Assert.Equal(data.Device.Measurements.IdealSharedPasses, data.Device.Measurements.SharedPasses);
        }
    }

    [Fact]
    public void Reads_of_tensor_cores_do_not_share_banks()
    {
        foreach (LinearNumbers numbers in (LinearNumbers[])[LinearNumbers.Levels, LinearNumbers.Halves])
        {
            var shape = new LinearShape(192, 128, numbers, LinearOutput.Floats, HasBias: false);
            var data = new LinearCase(shape, rows: 128);
            data.Run(LinearKernels.Table.Rows[0]);
            Assert.Equal(data.Device.Measurements.IdealSharedPasses, data.Device.Measurements.SharedPasses);
            int steps = shape.InputBytes / 32;
            Assert.Equal(8 * steps * 16, data.Device.Measurements.Count("mma.sync"));
            Assert.Equal(8 * steps * 6, data.Device.Measurements.Count("ldmatrix.sync"));
        }
    }

    [Theory]
    [InlineData("bar.sync 0", "", 1)]
    [InlineData("cp.async.wait_group 1", "cp.async.wait_group 2", 1)]
    [InlineData("cp.async.wait_group 1", "cp.async.wait_group 2", 3)]
    [InlineData("mul.rn.f32", "add.rn.f32", 1)]
    [InlineData("xor.b32", "and.b32", 3)]
    [InlineData("setp.lt.s32", "setp.le.s32", 2)]
    [InlineData("setp.lt.s32", "setp.le.s32", 3)]
    [InlineData("ldmatrix.sync.aligned.m8n8.x4", "ldmatrix.sync.aligned.m8n8.x2", 1)]
    [InlineData("selp.b32", "and.b32", 2)]
    [InlineData("shr.u32", "shl.b32", 2)]
    [InlineData("add.rn.f32", "sub.rn.f32", 2)]
    public void Mutants_are_caught(string text, string replacement, int occurrence)
    {
        var shape = new LinearShape(192, 60, LinearNumbers.Levels, LinearOutput.Floats, HasBias: true);
        var data = new LinearCase(shape, rows: 70);
        GpuKernelRow<LinearShape> row = LinearKernels.Table.Rows[0];
        PtxKernel kernel = row.Emit(shape, PtxTarget.Sm80), mutant = kernel with
        {
            Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
        };
        Assert.Equal(data.Expected, data.Run(row));
        bool isCaught;
        try
        {
            isCaught = !new LinearCase(shape, rows: 70).Run(row, mutant).AsSpan().SequenceEqual(data.Expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }

    [Fact]
    public void Few_rows_take_small_tiles()
    {
        using EmulatedDevice device = KernelRun.Device();
        var shape = new LinearShape(192, 768, LinearNumbers.Levels, LinearOutput.Floats, HasBias: true);
        Assert.Equal("linear-tensor-cores-large", LinearKernels.Table.Best(device, shape, 128 * 197).Name);
        Assert.Equal("linear-tensor-cores-small", LinearKernels.Table.Best(device, shape, 197).Name);
        Assert.Throws<BitisException>(() => LinearKernels.Table.Best(device, shape with { InputStride = 200 }, 197));
    }
}
