using System.Numerics.Tensors;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.Gradients;

/// <summary>Sums the results of the parts of a batch in the order of the parts.</summary>
/// <remarks>
/// The first part writes the total itself, and each other part memory of its own. The order in which parts finish does
/// not matter. A part is added as soon as all parts before it are. So memory is needed only for the parts under way.
/// </remarks>
/// <param name="total">Receives the sum of all parts.</param>
/// <param name="parts">How many parts there are.</param>
internal sealed unsafe class OrderedSums(FloatTensor total, int parts) : IDisposable
{
    private const int PieceLength = 1 << 11;

    private readonly Lock _gate = new();
    private readonly Stack<NativeBuffer<float>> _free = []; // of zeros
    private readonly NativeBuffer<float>?[] _taken = new NativeBuffer<float>?[parts];
    private readonly bool[] _isFinished = new bool[parts];
    private int _added;

    /// <summary>Forgets the parts before, of which some may be missing.</summary>
    public void Start()
    {
        total.Span.Clear();
        for (int part = 0; part < parts; part++)
        {
            if (_taken[part] is not { } left)
                continue;
            left.Span.Clear();
            _free.Push(left);
            _taken[part] = null;
        }
        Array.Clear(_isFinished);
        _added = 0;
    }

    /// <summary>Memory for the sums of a part, which are zero. It is the part's until it is added.</summary>
    public float* Take(int part)
    {
        if (part == 0)
            return total.Pointer;
        lock (_gate)
        {
            if (!_free.TryPop(out NativeBuffer<float>? sums))
                sums = new NativeBuffer<float>(total.Length, zeroed: true);
            _taken[part] = sums;
            return sums.Pointer;
        }
    }

    /// <summary>Adds the sums of a finished part to the total.</summary>
    /// <remarks>If the part before it is not finished, that part adds them later.</remarks>
    public void Add(int part)
    {
        lock (_gate)
        {
            _isFinished[part] = true;
            for (; _added < parts && _isFinished[_added]; _added++)
            {
                if (_taken[_added] is not { } next)
                    continue;
                AddAndClear(total.Span, next.Span);
                _free.Push(next);
                _taken[_added] = null;
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (NativeBuffer<float> sums in _free.Concat(_taken.OfType<NativeBuffer<float>>()))
            sums.Dispose();
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
}
