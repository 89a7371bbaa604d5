using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Gemm;

/// <summary>The runs of all panels of a layer; see <see cref="PanelRuns"/>.</summary>
internal sealed unsafe class PackedRuns : IDisposable
{
    [ThreadStatic]
    private static NativeBuffer<int>? _scratch;

    private readonly NativeBuffer<int> _lengths, _corrections;
    private readonly NativeBuffer<short> _starts;
    private readonly NativeBuffer<PanelRuns> _panels;

    /// <summary>Finds the runs of panels, one weight a byte.</summary>
    /// <param name="kernel">A kernel that uses runs.</param>
    /// <param name="panels">The panels, all of the kernel's width.</param>
    /// <param name="paddedOutputs">The width of all panels together.</param>
    /// <param name="groups">The groups of four values of a dot product.</param>
    public PackedRuns(Int8GemmKernel kernel, sbyte* panels, int paddedOutputs, int groups)
    {
        int columns = kernel.Columns, count = paddedOutputs / columns;
        _panels = new NativeBuffer<PanelRuns>(count);
        _corrections = new NativeBuffer<int>(paddedOutputs);
        var lengths = new List<int>();
        var starts = new List<short>();
        var first = new int[count];
        for (int panel = 0; panel < count; panel++)
        {
            first[panel] = lengths.Count;
            PanelRuns runs = Scratch(columns, groups);
            int found = kernel.FindRuns(panels + ((nint)panel * columns * groups * 4), groups, in runs);
            lengths.AddRange(new ReadOnlySpan<int>(runs.Lengths, found));
            starts.AddRange(new ReadOnlySpan<short>(runs.Starts, found * 2 * columns));
            new ReadOnlySpan<int>(runs.Corrections, columns).CopyTo(_corrections.Span[(panel * columns)..]);
        }
        _lengths = NativeBuffer<int>.Of([.. lengths]);
        _starts = NativeBuffer<short>.Of([.. starts]);
        for (int panel = 0; panel < count; panel++)
        {
            _panels.Span[panel] = new PanelRuns
            {
                Lengths = _lengths.Pointer + first[panel],
                Starts = _starts.Pointer + ((nint)first[panel] * 2 * columns),
                Corrections = _corrections.Pointer + ((nint)panel * columns),
            };
        }
    }

    /// <summary>The runs of each panel.</summary>
    public PanelRuns* Panels => _panels.Pointer;

    /// <summary>The bytes of memory.</summary>
    public long Bytes =>
        (sizeof(int) * ((long)_lengths.Length + _corrections.Length)) + ((long)sizeof(short) * _starts.Length)
        + ((long)sizeof(PanelRuns) * _panels.Length);

    /// <summary>The memory of this thread for the runs of one panel, as many as there can be.</summary>
    /// <remarks>Its contents are valid until this thread asks again.</remarks>
    public static PanelRuns Scratch(int columns, int groups)
    {
        int length = (columns + 1) * (groups + 1);
        if (_scratch is null || _scratch.Length < length)
        {
            _scratch?.Dispose();
            _scratch = new NativeBuffer<int>(length);
        }
        int* corrections = _scratch.Pointer, starts = corrections + columns;
        return new PanelRuns
        {
            Corrections = corrections,
            Starts = (short*)starts,
            Lengths = starts + ((nint)columns * groups),
        };
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _lengths.Dispose();
        _corrections.Dispose();
        _starts.Dispose();
        _panels.Dispose();
    }
}
