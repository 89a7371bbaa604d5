using Bitis.Execution.Planning;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>Quantizes an activation with one scale to unsigned levels, for a convolution that gathers them.</summary>
/// <param name="name">The node.</param>
/// <param name="x">The input.</param>
/// <param name="levels">Room for the levels, a byte each.</param>
/// <param name="stride">The distance of rows of levels.</param>
/// <param name="parameters">The input's scale and zero point; the operation disposes of it.</param>
/// <param name="maxLevel">The input's largest level.</param>
/// <param name="writer">
/// The operation that writes the input, which runs here; null if it has run. Each of its units is as many rows. The
/// operation disposes of it.
/// </param>
internal sealed class CompiledQuantize(
    string name, ArenaMatrix x, ArenaBlock levels, int stride, TokenParameterBuffers parameters,
    int maxLevel, CompiledOperation? writer = null) : CompiledOperation(
    name, [.. ((IDisposable?[])[parameters, writer]).OfType<IDisposable>()])
{
    public override string Kind => (writer is null ? "" : $"{writer.Kind} + ") + "quantize";

    public override int Units => writer?.Units ?? x.Rows;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        var call = new QuantizeCall
        {
            Source = x.Pointer(arena),
            SourceStride = x.Stride,
            Target = arena[levels],
            TargetStride = stride,
            Columns = x.Columns,
            InverseScales = parameters.InverseScales,
            ZeroPoints = parameters.ZeroPoints,
            ParameterStride = parameters.Stride,
            MaxValue = maxLevel,
        };
        if (writer is null)
        {
            Quantize.Run(in call, start, end);
            return;
        }
        int rows = x.Rows / writer.Units;
        for (int unit = start; unit < end; unit++) // while what was written is in the caches
        {
            writer.Run(arena, unit, unit + 1);
            Quantize.Run(in call, unit * rows, (unit + 1) * rows);
        }
    }
}
