using Bitis.Gpu.Emulation;
using Bitis.Gpu.Kernels;
using Bitis.Gpu.Kernels.Convolutions;
using Bitis.Gpu.Kernels.Products;

namespace Bitis.Gpu.Tests.Kernels;

/// <summary>Convolutions with projections: bits of the CPU from levels, its values from halves.</summary>
public sealed class ProjectedConvolutionTests
{
    private static readonly GpuKernelTable<ProjectedConvolutionShape> Table = ProjectedConvolutionKernels.Table;

    public static TheoryData<string, string> Ways()
    {
        var data = new TheoryData<string, string>();
        foreach (string form in ProjectedConvolutionCase.Forms)
        {
            foreach (GpuKernelRow<ProjectedConvolutionShape> row in Table.Rows)
                data.Add(row.Name, form);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Results_are_those_of_the_CPU(string kernel, string form)
    {
        GpuKernelRow<ProjectedConvolutionShape> row = Table.Rows.Single(row => row.Name == kernel);
        (int Images, int Tokens, int Channels, int Taps, int Outputs)[] shapes =
            [(2, 17, 98, 4, 44), (1, 70, 64, 3, 9), (3, 1, 2, 1, 1), (1, 33, 160, 7, 80)];
        foreach ((int images, int tokens, int channels, int taps, int outputs) in shapes)
        {
            var data = new ProjectedConvolutionCase(form, images, tokens, channels, taps, outputs);
            Assert.True(row.Fits(data.Shape));
            (byte[] u, float[] results) = data.Run(row);
            Assert.Equal(data.ExpectedU, u);
            if (form != "halves")
                Assert.Equal(data.Expected, results);
            for (int i = 0; i < results.Length; i++)
                Assert.InRange(results[i] - data.Expected[i], -2e-5, 2e-5);
        }
    }

    [Theory]
    [InlineData("halves", 6)]
    [InlineData("levels of levels", 3)]
    [InlineData("nibbles", 3)]
    public void Operands_do_not_share_banks(string form, int steps)
    {
        var data = new ProjectedConvolutionCase(form, images: 1, tokens: 64, channels: 96, taps: 4, outputs: 40);
        data.Run(Table.Rows[0]);
        Measurements measured = data.Device.Measurements;
        Assert.Equal(measured.IdealSharedPasses, measured.SharedPasses);
        // Two directions; six warps of 32×16 sums, each of two times two fragments.
        Assert.Equal(2 * 6 * steps * 4, measured.Count("mma.sync"));
        Assert.Equal(2 * 6 * steps * (form == "nibbles" ? 2 : 3), measured.Count("ldmatrix.sync"));
        // 48 pairs of channels are two warps, each four times 16 tokens.
        string store = form == "halves" ? "st.shared.b32" : "st.shared.u16";
        Assert.Equal(2 * 2 * 4 * 16, measured.Count(store));
    }

    [Theory]
    [InlineData("bar.sync 0", "", 1)]
    [InlineData("bar.sync 0", "", 2)]
    [InlineData("cp.async.wait_group 1", "cp.async.wait_group 2", 1)]
    [InlineData("st.shared.u16", "", 16)]
    [InlineData("st.global.u16", "", 1)]
    [InlineData("xor.b32", "and.b32", 3)]
    [InlineData("selp.b32", "and.b32", 1)]
    [InlineData("shl.b32", "shr.u32", 9)]
    [InlineData("fma.rn.f32", "", 5)]
    [InlineData("ld.global.nc.u16", "ld.global.nc.u8", 2)]
    [InlineData("mul.wide.s32", "", 20)]
    public void Mutants_are_caught(string text, string replacement, int occurrence)
    {
        ProjectedConvolutionCase Create() => new("levels of levels", images: 2, tokens: 37, channels: 98, taps: 4, 20);
        ProjectedConvolutionCase data = Create();
        Assert.Equal(data.Expected, data.Run(Table.Rows[1]).Outputs);
        bool isCaught;
        try
        {
            (byte[] u, float[] results) = Create().Run(Table.Rows[1], kernel => kernel with
            {
                Text = Mutation.Replace(kernel.Text, text, replacement, occurrence),
            });
            isCaught = !u.AsSpan().SequenceEqual(data.ExpectedU) || !results.AsSpan().SequenceEqual(data.Expected);
        }
        catch (EmulationException)
        {
            isCaught = true;
        }
        Assert.True(isCaught, $"{text} -> {replacement}");
    }

    [Theory]
    [InlineData(384, 44, 128, "64-tokens")]
    [InlineData(384, 44, 1, "16-tokens")]
    [InlineData(768, 56, 128, "32-tokens")] // 64 tokens would take more than half of the shared memory
    [InlineData(768, 56, 1, "16-tokens")]
    [InlineData(1536, 80, 128, null)] // and 32 tokens, too
    [InlineData(1536, 80, 1, null)]
    [InlineData(383, 44, 128, null)]
    [InlineData(384, 129, 128, null)]
    public void Tiles_fit_shared_memory(int channels, int outputs, int images, string? name)
    {
        using EmulatedDevice device = KernelRun.Device();
        var convolution = new ConvolutionShape(197, channels, 4) { AreHalves = true };
        var projection = new LinearShape(channels, outputs, LinearNumbers.Halves, LinearOutput.Floats, HasBias: false)
        {
            Groups = 2,
        };
        string? found = Table.Find(device, new ProjectedConvolutionShape(convolution, projection), images)?.Name;
        Assert.Equal(name is null ? null : $"projected-convolutions-{name}", found);
    }

    [Fact]
    public void Products_of_floats_have_no_kernel()
    {
        using EmulatedDevice device = KernelRun.Device();
        var projection = new LinearShape(64, 20, LinearNumbers.Floats, LinearOutput.Floats, HasBias: false)
        {
            Groups = 2,
        };
        var shape = new ProjectedConvolutionShape(new ConvolutionShape(17, 64, 4), projection);
        Assert.Null(Table.Find(device, shape, 128));
    }
}
