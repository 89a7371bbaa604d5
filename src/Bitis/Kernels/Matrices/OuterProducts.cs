using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bitis.Kernels.Matrices;

/// <summary>Sums of outer products.</summary>
internal static unsafe class OuterProducts
{
    /// <summary>Adds u·vᵀ to a matrix.</summary>
    /// <param name="u"><c>[rows]</c></param>
    /// <param name="rows">The matrix's rows.</param>
    /// <param name="v"><c>[columns]</c></param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="matrix"><c>[rows, columns]</c></param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* u, int rows, float* v, int columns, float* matrix)
    {
        int whole = columns / Vector<float>.Count * Vector<float>.Count;
        for (int row = 0; row < rows; row++, matrix += columns)
        {
            var factor = new Vector<float>(u[row]);
            int i = 0;
            for (; i < whole; i += Vector<float>.Count)
                (Vector.Load(matrix + i) + (factor * Vector.Load(v + i))).Store(matrix + i);
            for (; i < columns; i++)
                matrix[i] += u[row] * v[i];
        }
    }
}
