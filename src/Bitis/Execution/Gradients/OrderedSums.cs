using System.Numerics.Tensors;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Gradients;

/// <summary>Sums the results of the parts of a batch in the order of the parts.</summary>
/// <remarks>
/// Each part has memory of its own. The order in which parts finish does not matter. A part is added as soon as all
/// parts before it are. So memory is needed only for the parts under way.
/// </remarks>
/// <param name="length">The elements of a part's sums.</param>
/// <param name="parts">How many parts there are.</param>
internal sealed class OrderedSums(int length, int parts) : IDisposable
{
    private const int PieceLength = 1 << 11;

    private readonly Lock _gate = new();
    private readonly List<NativeBuffer<float>> _all = [];
    private readonly Stack<NativeBuffer<float>> _free = [];
    private readonly NativeBuffer<float>?[] _waiting = new NativeBuffer<float>?[parts];
    private NativeBuffer<float>? _total;
    private int _added;

    /// <summary>The sum of all parts, once they are all added.</summary>
    public ReadOnlySpan<float> Total => _total!.Span;

    /// <summary>Forgets the parts before, of which some may be missing.</summary>
    public void Start()
    {
        (_total, _added) = (null, 0);
        Array.Clear(_waiting);
        foreach (NativeBuffer<float> sums in _all.Except([.. _free]))
        {
            sums.Span.Clear();
            _free.Push(sums);
        }
    }

    /// <summary>Memory for the sums of a part, which are zero.</summary>
    public NativeBuffer<float> Take()
    {
        NativeBuffer<float>? sums;
        lock (_gate)
        {
            if (!_free.TryPop(out sums))
                _all.Add(sums = new NativeBuffer<float>(length, zeroed: true));
        }
        return sums;
    }

    /// <summary>Adds the sums of a finished part to the total.</summary>
    /// <remarks>If the part before it is not finished, that part adds them later.</remarks>
    public void Add(int part, NativeBuffer<float> sums)
    {
        lock (_gate)
        {
            _waiting[part] = sums;
            for (; _added < parts && _waiting[_added] is { } next; _waiting[_added++] = null)
            {
                if (_total is null)
                {
                    _total = next;
                    continue;
                }
                AddAndClear(_total.Span, next.Span);
                _free.Push(next);
            }
        }
    }

    /// <summary>Adds the sums of a part, and clears them for the next one.</summary>
    /// <remarks>Piece by piece, so that what is cleared is still in the nearest cache.</remarks>
    private static void AddAndClear(Span<float> total, Span<float> sums)
    {
        for (int start = 0; start < total.Length; start += PieceLength)
        {
            int count = Math.Min(PieceLength, total.Length - start);
            Span<float> piece = total.Slice(start, count), added = sums.Slice(start, count);
            TensorPrimitives.Add(piece, added, piece);
            added.Clear();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _all.ForEach(sums => sums.Dispose());
}
