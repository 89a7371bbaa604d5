using Bitis.Gpu.Devices;
using Bitis.Gpu.Plans.Patterns;

namespace Bitis.Gpu.Plans.Steps;

/// <summary>What a Vim block reads.</summary>
/// <param name="X">x: floats, or levels.</param>
/// <param name="Stride">The distance of its rows in elements.</param>
/// <param name="AreLevels">Whether x is levels.</param>
/// <param name="Z">z.</param>
internal sealed record MixerInput(GpuArgument X, int Stride, bool AreLevels, GpuMatrix Z)
{
    /// <summary>What the projection before a block wrote.</summary>
    public static MixerInput Of(GpuPlanBuilder plan, VimMixer mixer, int channels)
    {
        if (plan.SplitOf(mixer) is ({ } levels, { } z))
            return new MixerInput(levels.Argument, levels.Stride, AreLevels: true, z);
        GpuMatrix xz = plan.Natural(mixer.Input);
        return new MixerInput(xz.Argument, xz.Stride, AreLevels: false, xz.Slice(channels, channels));
    }
}
