using Bitis.Execution.Planning;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Quantizes an activation with one scale to unsigned levels, for a convolution that gathers them.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The input.</param>
/// <param name="levels">Room for the levels: a byte each, rows contiguous.</param>
/// <param name="parameters">The input's scale and zero point; the operation disposes of it.</param>
/// <param name="maxLevel">The input's largest level.</param>
internal sealed class CompiledQuantize(
    string name, ArenaMatrix x, ArenaBlock levels, TokenParameterBuffers parameters,
    int maxLevel) : CompiledOperation(name, parameters)
{
    public override string Kind => "quantize";

    public override int Units => x.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        var call = new QuantizeCall
        {
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = arena[levels],
            TargetStride = x.Columns,
            Columns = x.Columns,
            InverseScales = parameters.InverseScales,
            ZeroPoints = parameters.ZeroPoints,
            ParameterStride = parameters.Stride,
            MaxValue = maxLevel,
        };
        Quantize.Run(in call, start, end);
    }
}
