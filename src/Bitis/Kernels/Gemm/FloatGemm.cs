using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm.Tiles;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Gemm;

/// <summary>
/// The float32 linear layer: <c>C[M, N] = A[M, K]·W[N, K]ᵀ + bias[N]</c>, optionally added to what C holds, and the
/// gradient of its weights, <c>C[N, K] += Y[M, N]ᵀ·X[M, K]</c>.
/// </summary>
/// <remarks>
/// Every output is one chain of multiply-adds in the order of the inner dimension. So results depend neither on the
/// split of the rows nor on the tile.
/// </remarks>
internal abstract unsafe class FloatGemm : ILanesOperation<FloatGemmKernel>
{
    /// <summary>The forms of this operation.</summary>
    public static KernelTable<FloatGemmKernel> Table { get; } = KernelTable<FloatGemmKernel>.ForLanes<FloatGemm>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static FloatGemmKernel Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new(
        FloatGemmTile<TLanes>.Rows,
        FloatGemmTile<TLanes>.Columns,
        instructionSet,
        &Run<TLanes>,
        &AddProduct<TLanes>);

    /// <summary>
    /// Computes the output rows from <paramref name="rowStart"/> to before <paramref name="rowEnd"/>.
    /// </summary>
    /// <param name="weights">The layer.</param>
    /// <param name="a">Input <c>[M, K]</c>.</param>
    /// <param name="lda">The distance of input rows in elements.</param>
    /// <param name="c">Output <c>[M, N]</c>; must not overlap the input.</param>
    /// <param name="ldc">The distance of output rows in elements.</param>
    /// <param name="rowStart">The first row to compute.</param>
    /// <param name="rowEnd">The row after the last.</param>
    /// <param name="accumulate">Add to the output instead of overwriting it: <c>c + (sum + bias)</c>.</param>
    public static void Run(
        PackedFloatWeights weights,
        float* a,
        nint lda,
        float* c,
        nint ldc,
        int rowStart,
        int rowEnd,
        bool accumulate) =>
        weights.Kernel.Run(weights, a, lda, c, ldc, rowStart, rowEnd, 0, weights.PanelCount, accumulate);

    /// <summary>Computes all rows of some panels (<see cref="PackedFloatWeights.PanelCount"/>).</summary>
    /// <remarks>For threads that share a product: panels of whole tiles divide more evenly than rows.</remarks>
    /// <param name="weights">The layer.</param>
    /// <param name="a">Input <c>[M, K]</c>.</param>
    /// <param name="lda">The distance of input rows in elements.</param>
    /// <param name="c">Output <c>[M, N]</c>; must not overlap the input.</param>
    /// <param name="ldc">The distance of output rows in elements.</param>
    /// <param name="rows">M.</param>
    /// <param name="panelStart">The first panel to compute.</param>
    /// <param name="panelEnd">The panel after the last.</param>
    public static void RunPanels(
        PackedFloatWeights weights, float* a, nint lda, float* c, nint ldc, int rows, int panelStart, int panelEnd) =>
        weights.Kernel.Run(weights, a, lda, c, ldc, 0, rows, panelStart, panelEnd, false);

    /// <summary>Adds the gradient of a linear layer's weights: <c>C[N, K] += Y[M, N]ᵀ·X[M, K]</c>.</summary>
    /// <param name="y">The gradient of the layer's output, <c>[M, N]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="x">The layer's input, <c>[M, K]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="m">M, the tokens.</param>
    /// <param name="n">N, the layer's outputs.</param>
    /// <param name="k">K, the layer's inputs.</param>
    /// <param name="c">The sum, <c>[N, K]</c>, rows contiguous.</param>
    /// <param name="scratch"><see cref="TransposedScratch"/> elements.</param>
    public static void AddTransposed(
        float* y, nint ldy, float* x, nint ldx, int m, int n, int k, float* c, float* scratch) =>
        Table.Best.AddProduct(y, 1, ldy, x, ldx, m, n, k, c, scratch);

    /// <summary>Adds a product of two matrices as they lie: <c>C[N, K] += A[N, M]·X[M, K]</c>.</summary>
    /// <param name="a">The left matrix, <c>[N, M]</c>.</param>
    /// <param name="lda">The distance of its rows in elements.</param>
    /// <param name="x">The right matrix, <c>[M, K]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="m">M, the length of the sums.</param>
    /// <param name="n">N.</param>
    /// <param name="k">K.</param>
    /// <param name="c">The sum, <c>[N, K]</c>, rows contiguous.</param>
    /// <param name="scratch"><see cref="TransposedScratch"/> elements.</param>
    public static void AddProduct(
        float* a, nint lda, float* x, nint ldx, int m, int n, int k, float* c, float* scratch) =>
        Table.Best.AddProduct(a, lda, 1, x, ldx, m, n, k, c, scratch);

    /// <summary>
    /// The elements that <see cref="AddTransposed"/> and <see cref="AddProduct"/> need to hold a panel of M rows.
    /// </summary>
    public static int TransposedScratch(int m) => m * Table.Best.Columns;

    // Panel by panel, so that a panel stays in the nearest cache for all rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(
        PackedFloatWeights weights,
        float* a,
        nint lda,
        float* c,
        nint ldc,
        int rowStart,
        int rowEnd,
        int panelStart,
        int panelEnd,
        bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        float* sums = stackalloc float[FloatGemmTile<TLanes>.Rows * FloatGemmTile<TLanes>.Columns];
        int k = weights.Inputs;
        int columnEnd = Math.Min(weights.Outputs, panelEnd * FloatGemmTile<TLanes>.Columns);
        for (int n = panelStart * FloatGemmTile<TLanes>.Columns; n < columnEnd; n += FloatGemmTile<TLanes>.Columns)
        {
            float* panel = weights.Panels + ((nint)n * k);
            float* bias = weights.Bias + n;
            int columns = Math.Min(FloatGemmTile<TLanes>.Columns, weights.Outputs - n);
            for (int m = rowStart; m < rowEnd; m += FloatGemmTile<TLanes>.Rows)
            {
                int rows = Math.Min(FloatGemmTile<TLanes>.Rows, rowEnd - m);
                FloatGemmTile<TLanes>.Multiply(a + (m * lda), lda, stride: 1, rows, columns, panel, k, sums);
                for (int row = 0; row < rows; row++)
                {
                    Finish<TLanes>(
                        sums + (row * FloatGemmTile<TLanes>.Columns),
                        bias,
                        c + ((m + row) * ldc) + n,
                        columns,
                        accumulate);
                }
            }
        }
        GC.KeepAlive(weights);
    }

    // The tile's rows are outputs and its columns inputs. Both operands are read along the tokens. The input's columns
    // are copied to a panel, which all outputs use. The output's gradient is read in place, 8 neighbours for each
    // token.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProduct<TLanes>(
        float* y, nint outputStride, nint stride, float* x, nint ldx, int m, int n, int k, float* c, float* scratch)
        where TLanes : struct, ILanes<TLanes>
    {
        float* sums = stackalloc float[FloatGemmTile<TLanes>.Rows * FloatGemmTile<TLanes>.Columns];
        for (int input = 0; input < k; input += FloatGemmTile<TLanes>.Columns)
        {
            int columns = Math.Min(FloatGemmTile<TLanes>.Columns, k - input);
            for (int row = 0; row < m; row++)
            {
                var panelRow = new Span<float>(
                    scratch + (row * FloatGemmTile<TLanes>.Columns), FloatGemmTile<TLanes>.Columns);
                new ReadOnlySpan<float>(x + (row * ldx) + input, columns).CopyTo(panelRow);
                panelRow[columns..].Clear();
            }
            for (int output = 0; output < n; output += FloatGemmTile<TLanes>.Rows)
            {
                int rows = Math.Min(FloatGemmTile<TLanes>.Rows, n - output);
                FloatGemmTile<TLanes>.Multiply(
                    y + (output * outputStride), outputStride, stride, rows, columns, scratch, m, sums);
                for (int row = 0; row < rows; row++)
                {
                    Add<TLanes>(
                        sums + (row * FloatGemmTile<TLanes>.Columns), c + ((nint)(output + row) * k) + input, columns);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TLanes>(float* sums, float* bias, float* c, int columns, bool accumulate)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
        {
            TLanes value = TLanes.Load(sums + i) + TLanes.Load(bias + i);
            TLanes.Store(accumulate ? TLanes.Load(c + i) + value : value, c + i);
        }
        for (; i < columns; i++)
        {
            float value = sums[i] + bias[i];
            c[i] = accumulate ? c[i] + value : value;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TLanes>(float* sums, float* c, int columns)
        where TLanes : struct, ILanes<TLanes>
    {
        int i = 0;
        for (; i + TLanes.Count <= columns; i += TLanes.Count)
            TLanes.Store(TLanes.Load(c + i) + TLanes.Load(sums + i), c + i);
        for (; i < columns; i++)
            c[i] += sums[i];
    }
}
