using Bitis.Quantization;
using Bitis.Runtime.Kernels;

namespace Bitis.Runtime.Steps;

/// <summary>Quantizes an activation with one scale to unsigned levels, for a convolution that gathers them.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The input.</param>
/// <param name="levels">Room for the levels: a byte each, rows contiguous.</param>
/// <param name="quantizer">The input's quantizer, per tensor.</param>
internal sealed class QuantizeStep(string name, ArenaMatrix x, ArenaBlock levels, UniformQuantizer quantizer) : Step(name)
{
    private readonly float _inverseScale = quantizer.InverseScales[0];
    private readonly int _zeroPoint = quantizer.ZeroPoints[0];

    public override string Kind => "quantize";

    public override int Units => x.Rows;

    public override unsafe void Run(nint arena, int start, int end)
    {
        fixed (float* inverseScale = &_inverseScale)
        {
            fixed (int* zeroPoint = &_zeroPoint)
            {
                var call = new QuantizeCall
                {
                    Source = x.Pointer(arena),
                    SourceStride = x.Stride,
                    Target = (byte*)(arena + (nint)levels.Offset),
                    TargetStride = x.Columns,
                    Columns = x.Columns,
                    InverseScales = inverseScale,
                    ZeroPoints = zeroPoint,
                    MaxValue = quantizer.MaxLevel,
                };
                Quantize.Run(in call, start, end);
            }
        }
    }
}
