using Bitis.Kernels.Memory;

namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>Ā as slices of one table: for each code of A, what the codes of Δ select.</summary>
/// <remarks>
/// An index is codeΔ + codeA, within limits. So the values of Ā for one code of A lie side by side, in the order of the
/// codes of Δ. The table goes on beyond both ends of Ā's codes with the first and the last value, as far as sums of
/// codes reach. It is read in blocks of eight codes of Δ. Blocks that no level of Δ selects have no rows.
/// </remarks>
internal sealed unsafe class DecaySlices : IDisposable
{
    /// <summary>Codes in a block.</summary>
    public const int BlockCodes = 8;

    /// <summary>The bytes of a row: 16 states.</summary>
    public const int RowBytes = 32;

    private readonly NativeBuffer<short> _table;
    private readonly NativeBuffer<int> _starts;
    private readonly NativeBuffer<uint> _entries;

    /// <summary>Lays out the tables of a scan.</summary>
    /// <exception cref="ArgumentException">A level of Δ has a lower code than the level before.</exception>
    public DecaySlices(IntegerScanTables tables)
    {
        // Rows are built for a range of codes from a range of levels.
        if (tables.DeltaCodes.Zip(tables.DeltaCodes.Skip(1)).Any(pair => pair.Second < pair.First))
            throw new ArgumentException("The codes of Δ fall as its levels rise.", nameof(tables));
        const int LastIndex = IntegerScanTables.Codes - 1;
        int lowest = tables.RateCodes.Min(), highest = tables.RateCodes.Max();
        // From these limits on, the index has reached its own limit for every code of A.
        int[] codes = [.. tables.DeltaCodes.Select(code => Math.Clamp((int)code, -highest, LastIndex - lowest))];
        int first = codes.Min();
        int[] blocks = [.. codes.Select(code => (code - first) / BlockCodes).Distinct().Order()];
        LowestRate = lowest;
        Blocks = blocks.Length;
        _starts = NativeBuffer<int>.Of([.. blocks.Select(block => (block * BlockCodes) - lowest)]);
        int length = (blocks[^1] * BlockCodes) + BlockCodes + highest - lowest;
        _table = NativeBuffer<short>.Of(
        [
            .. Enumerable.Range(first + lowest, length).Select(index => tables.Decays[Math.Clamp(index, 0, LastIndex)]),
        ]);
        _entries = new NativeBuffer<uint>(256, zeroed: true);
        for (int level = 0; level < codes.Length; level++)
        {
            int code = codes[level] - first, block = Array.IndexOf(blocks, code / BlockCodes);
            int place = tables.States == 1 ? code : ((block * BlockCodes) + (code % BlockCodes)) * RowBytes;
            _entries.Span[level] = (ushort)tables.DeltaMultiples[level] | ((uint)place << 16);
        }
    }

    /// <summary>The least code of A.</summary>
    public int LowestRate { get; }

    /// <summary>The number of blocks.</summary>
    public int Blocks { get; }

    /// <summary>Where each block begins in <see cref="Table"/>, for a code of A that is 0.</summary>
    public int* Starts => _starts.Pointer;

    /// <summary>Ā·2¹⁵.</summary>
    public short* Table => _table.Pointer;

    /// <summary>By the level of Δ: its multiple in the lower 16 bits, its code's place in the upper ones.</summary>
    /// <remarks>
    /// Of several states, the place is that of a row in bytes; of one state, it is that of an entry of <see
    /// cref="Table"/>, for the least code of A.
    /// </remarks>
    public uint* Entries => _entries.Pointer;

    /// <inheritdoc />
    public void Dispose()
    {
        _table.Dispose();
        _starts.Dispose();
        _entries.Dispose();
    }
}
