using Bitis.Execution.Planning;
using Bitis.Graphs.Operators.Grids;
using Bitis.Kernels.Grids;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Compiled.Grids;

/// <summary>Interpolates a grid of tokens, and adds another value to it where there is one.</summary>
internal sealed class CompiledGridResize : CompiledOperation
{
    private readonly GridResize _resize;
    private readonly ArenaMatrix _x, _y;
    private readonly ArenaMatrix? _added;
    private readonly NativeBuffer<ResizeStep> _rows, _columns;

    /// <summary>Creates the operation.</summary>
    /// <param name="name">The node.</param>
    /// <param name="resize">The interpolation.</param>
    /// <param name="x">The input, <c>[tokens, channels]</c>.</param>
    /// <param name="added">What is added; null for nothing.</param>
    /// <param name="y">The output; may be what is added.</param>
    public CompiledGridResize(string name, GridResize resize, ArenaMatrix x, ArenaMatrix? added, ArenaMatrix y)
        : this(
            name, resize, x, added, y, ResizeSteps.Of(resize.Height, resize.OutHeight),
            ResizeSteps.Of(resize.Width, resize.OutWidth))
    {
    }

    private CompiledGridResize(
        string name, GridResize resize, ArenaMatrix x, ArenaMatrix? added, ArenaMatrix y,
        NativeBuffer<ResizeStep> rows, NativeBuffer<ResizeStep> columns)
        : base(name, rows, columns) =>
        (_resize, _x, _added, _y, _rows, _columns) = (resize, x, added, y, rows, columns);

    public override string Kind => _added is null ? "resize" : "resize and add";

    public override int Units => _resize.OutHeight;

    public override unsafe void Run(ArenaAddresses arena, int start, int end)
    {
        var call = new BilinearResizeCall
        {
            Width = _resize.Width,
            OutWidth = _resize.OutWidth,
            Channels = _x.Columns,
            Rows = _rows.Pointer,
            Columns = _columns.Pointer,
            Source = _x.Pointer(arena),
            SourceStride = _x.Stride,
            Added = _added is { } added ? added.Pointer(arena) : null,
            AddedStride = _added?.Stride ?? 0,
            Target = _y.Pointer(arena),
            TargetStride = _y.Stride,
        };
        BilinearResize.Run(in call, start, end);
        GC.KeepAlive(this);
    }
}
