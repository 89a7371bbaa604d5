using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>How u of a channel becomes the level that a scan in integers reads.</summary>
/// <param name="InverseScale">1/scale.</param>
/// <param name="Lowest">The lowest level less the zero point.</param>
/// <param name="Highest">The highest level less the zero point.</param>
internal sealed record ScanQuantizer(Register InverseScale, Register Lowest, Register Highest)
{
    /// <summary>Reads the parameters of a channel, from three rows of channels.</summary>
    /// <param name="w">The kernel.</param>
    /// <param name="ofChannel">The address of the channel in the first row.</param>
    /// <param name="channels">The length of a row.</param>
    public static ScanQuantizer Read(PtxWriter w, Register ofChannel, int channels)
    {
        Register[] values = [.. Enumerable.Range(0, 3).Select(
            row => w.LoadConstant(ofChannel, row * channels * sizeof(float)))];
        return new ScanQuantizer(values[0], values[1], values[2]);
    }

    /// <summary>The level, from 0 on.</summary>
    public Register Level(PtxWriter w, Register u) => w.Emit(
        RegisterKind.Word, "cvt.rzi.s32.f32", w.Subtract(w.Center(u, InverseScale, Lowest, Highest), Lowest));
}
