using System.Runtime.InteropServices;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;

namespace Bitis.Tests.Kernels;

public sealed unsafe class ExecutableMemoryTests
{
    [Fact]
    public void Code_that_was_placed_runs_and_cannot_be_written_any_more()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64
            || !ExecutableMemory.IsAllowed)
        {
            return; // nothing to test: the assembled kernels are absent
        }

        nint address = ExecutableMemory.Place([0xB8, 42, 0, 0, 0, 0xC3]); // mov eax, 42; ret
        Assert.Equal(42, ((delegate* unmanaged<int>)address)());
        string mapping = File.ReadLines("/proc/self/maps").Single(line =>
        {
            nint[] range =
            [
                .. line.Split(' ')[0].Split('-').Select(
                    text => nint.Parse(text, System.Globalization.NumberStyles.HexNumber)),
            ];
            return address >= range[0] && address < range[1];
        });
        Assert.Contains(" r-xp ", mapping);
    }

    [Fact]
    public void Every_tile_is_assembled_to_code_that_ends_with_a_return()
    {
        for (int vectors = 1; vectors <= 4; vectors++)
        {
            int most = VnniGemmAssembler.MaxRows(vectors);
            foreach (VnniGemmEpilogue epilogue in Enum.GetValues<VnniGemmEpilogue>())
            {
                for (int rows = 1; rows <= most; rows++)
                    Assert.Equal(0xC3, VnniGemmAssembler.Assemble(rows, vectors, epilogue)[^1]);
            }
            Assert.Throws<ArgumentOutOfRangeException>(
                () => VnniGemmAssembler.Assemble(most + 1, vectors, VnniGemmEpilogue.Store));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => VnniGemmAssembler.MaxRows(5));
    }
}
