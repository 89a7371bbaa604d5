using Bitis.Kernels.Dispatch;
using Bitis.Tensors;

namespace Bitis.Training.Optimization;

/// <summary>Cuts parameters into pieces of a fixed length for threads.</summary>
/// <remarks>
/// A piece is always computed by one thread. So results depend neither on the number of threads nor on their shares.
/// </remarks>
internal sealed class ParameterPieces
{
    /// <summary>Long enough for a task, and short enough for a few pieces to fit the first-level cache.</summary>
    private const int PieceLength = 1 << 13;

    private readonly (string Name, int Start, int Length)[] _pieces;

    /// <summary>Cuts parameters, in the order given.</summary>
    public ParameterPieces(IEnumerable<(string Name, Shape Shape)> parameters) =>
        _pieces = [.. parameters.SelectMany(parameter => Cut(parameter.Name, (int)parameter.Shape.ElementCount))];

    /// <summary>Processes a piece.</summary>
    /// <param name="piece">The piece's number.</param>
    /// <param name="name">The parameter that it belongs to.</param>
    /// <param name="start">Its first element.</param>
    /// <param name="length">Its length.</param>
    public delegate void Body(int piece, string name, int start, int length);

    /// <summary>How many pieces there are.</summary>
    public int Count => _pieces.Length;

    /// <summary>Calls a body for every piece, on several threads; returns when all are done.</summary>
    /// <param name="threads">How many threads compute; 0 for one on each processor.</param>
    /// <param name="body">The work on a piece.</param>
    public void ForEach(int threads, Body body)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = ThreadCount.Resolve(threads) };
        Parallel.For(0, _pieces.Length, options, i => body(i, _pieces[i].Name, _pieces[i].Start, _pieces[i].Length));
    }

    private static IEnumerable<(string Name, int Start, int Length)> Cut(string name, int length)
    {
        for (int start = 0; start < length; start += PieceLength)
            yield return (name, start, Math.Min(PieceLength, length - start));
    }
}
