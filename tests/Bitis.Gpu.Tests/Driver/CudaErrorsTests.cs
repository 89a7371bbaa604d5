using System.Runtime.InteropServices;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Driver;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Tests.Driver;

/// <summary>What cannot work ends in one sentence.</summary>
public sealed class CudaErrorsTests
{
    [Fact]
    public void Without_a_driver_there_is_one_sentence()
    {
        if (NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _))
            return; // This machine has one.
        BitisException e = Assert.Throws<BitisException>(() => CudaDriver.Devices());
        Assert.Equal("This machine has no CUDA driver (libcuda or nvcuda), so there is no GPU to use.", e.Message);
    }

    [Theory]
    [InlineData(2, "The GPU has too little free memory to hold 5 bytes. End other programs on it, or use the CPU.")]
    [InlineData(100, "The CUDA driver finds no GPU on this machine.")]
    [InlineData(46, "The GPU cannot hold 5 bytes: another process has it for itself (NAME).")]
    [InlineData(700, "The GPU stopped while it should hold 5 bytes: NAME. This process cannot use it any more.")]
    [InlineData(701, "The GPU cannot hold 5 bytes: NAME.")]
    [InlineData(702, "The GPU stopped while it should hold 5 bytes: NAME. This process cannot use it any more.")]
    [InlineData(719, "The GPU stopped while it should hold 5 bytes: NAME. This process cannot use it any more.")]
    [InlineData(218, "The GPU cannot hold 5 bytes: NAME.")]
    public void Errors_become_one_message(int error, string message) =>
        Assert.Equal(message, CudaErrors.Message(error, "hold 5 bytes", "NAME"));

    [Fact]
    public void Targets_fit_the_device()
    {
        Assert.Equal("sm_80", PtxTarget.For(new ComputeCapability(8, 0)).Name);
        Assert.Equal("sm_80", PtxTarget.For(new ComputeCapability(8, 9)).Name);
        Assert.Equal("sm_90a", PtxTarget.For(new ComputeCapability(9, 0)).Name);
        Assert.Equal("sm_80", PtxTarget.For(new ComputeCapability(10, 0)).Name);
        Assert.Contains(
            "7.5", Assert.Throws<BitisException>(() => PtxTarget.For(new ComputeCapability(7, 5))).Message);
    }
}
