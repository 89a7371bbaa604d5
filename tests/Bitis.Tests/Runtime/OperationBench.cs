using Bitis.Execution.Planning;

namespace Bitis.Tests.Runtime;

/// <summary>Runs a compiled operation by itself, on matrices in an arena whose other memory it may not touch.</summary>
internal sealed class OperationBench
{
    private const float Untouched = -99;

    private readonly List<(ArenaMatrix Matrix, float[] Values)> _matrices = [];
    private readonly List<ArenaBlock> _blocks = [];

    /// <summary>A matrix in memory of its own.</summary>
    /// <param name="columns">The columns of the matrix.</param>
    /// <param name="values">Its values in memory, row by row.</param>
    /// <param name="padding">The elements between two rows.</param>
    public ArenaMatrix Matrix(int columns, float[] values, int padding = 0)
    {
        int rows = values.Length / columns;
        ArenaBlock block = Block((long)rows * (columns + padding) * sizeof(float));
        var matrix = new ArenaMatrix(block, 0, rows, columns, columns + padding);
        _matrices.Add((matrix, values));
        return matrix;
    }

    /// <summary>A matrix for results.</summary>
    public ArenaMatrix Result(int rows, int columns, int padding = 0) =>
        Matrix(columns, [.. Enumerable.Repeat(Untouched, rows * columns)], padding);

    /// <summary>Memory for results that are no matrix.</summary>
    public ArenaBlock Block(long bytes)
    {
        var block = new ArenaBlock(bytes);
        block.Touch(0);
        _blocks.Add(block);
        return block;
    }

    /// <summary>Runs an operation in two ranges of units, and disposes of it.</summary>
    /// <returns>The values of a matrix in memory, row by row.</returns>
    public float[] Run(CompiledOperation operation, ArenaMatrix result)
    {
        using Arena arena = RunAll(operation);
        return
            [.. Enumerable.Range(0, result.Rows).SelectMany(row => result.MemoryRow(arena.Addresses, row).ToArray())];
    }

    /// <summary>As <see cref="Run(CompiledOperation, ArenaMatrix)"/>, for bytes.</summary>
    public unsafe byte[] Run(CompiledOperation operation, ArenaBlock result)
    {
        using Arena arena = RunAll(operation);
        return new ReadOnlySpan<byte>(arena.Addresses[result], (int)result.Bytes).ToArray();
    }

    private unsafe Arena RunAll(CompiledOperation operation)
    {
        using CompiledOperation disposed = operation;
        var arena = new Arena(ArenaPlanner.Place(_blocks));
        foreach ((ArenaMatrix matrix, float[] values) in _matrices)
        {
            new Span<float>(arena.Addresses[matrix.Block], (int)(matrix.Block.Bytes / sizeof(float))).Fill(Untouched);
            for (int row = 0; row < matrix.Rows; row++)
                values.AsSpan(row * matrix.Columns, matrix.Columns).CopyTo(matrix.MemoryRow(arena.Addresses, row));
        }
        int half = operation.Units / 2;
        operation.Run(arena.Addresses, half, operation.Units);
        operation.Run(arena.Addresses, 0, half);
        foreach ((ArenaMatrix matrix, _) in _matrices)
        {
            var memory = new ReadOnlySpan<float>(
                arena.Addresses[matrix.Block], (int)(matrix.Block.Bytes / sizeof(float)));
            for (int row = 0; row < matrix.Rows; row++)
            {
                ReadOnlySpan<float> padding = memory.Slice(
                    (row * matrix.Stride) + matrix.Columns, matrix.Stride - matrix.Columns);
                Assert.False(
                    padding.ContainsAnyExcept(Untouched),
                    $"'{operation.Kind}' wrote between rows {row} and {row + 1}.");
            }
        }
        return arena;
    }
}
