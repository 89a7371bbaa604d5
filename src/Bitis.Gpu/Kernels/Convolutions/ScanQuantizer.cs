using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Convolutions;

/// <summary>How u of a channel becomes the level that a scan in integers reads.</summary>
/// <param name="InverseScale">1/scale.</param>
/// <param name="Lowest">The lowest level less the zero point.</param>
/// <param name="Highest">The highest level less the zero point.</param>
internal sealed record ScanQuantizer(Register InverseScale, Register Lowest, Register Highest)
{
    /// <summary>The level, from 0 on.</summary>
    public Register Level(PtxWriter w, Register u) => w.Emit(
        RegisterKind.Word, "cvt.rzi.s32.f32", w.Subtract(w.Center(u, InverseScale, Lowest, Highest), Lowest));
}
