using System.Numerics.Tensors;
using Bitis.Execution.Gradients;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Matrices;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Execution.LowBit;

/// <summary>The gradient of a layer's weights from a compressed input, W̄ = ȳᵀ·x ≈ (Ĥ·ȳ)ᵀ·(Ĥ·x).</summary>
/// <remarks>
/// The tokens of each block are reduced to some coefficients of an orthonormal Walsh-Hadamard transform. Single tokens
/// stay as they are. Both operands are rounded to levels: x when it is kept, ȳ at random. Four bits of x are rounded at
/// random, too, if all tokens are kept; else x is rounded to the nearest levels. Each operand has one scale for the
/// tokens of all images that pass through the network together. At full rank, tokens are not transformed, and each
/// channel has its own scale. A scale for each channel is possible because the product sums over tokens only. What is
/// kept of an input starts with a header of 64 bytes: the scale, and the coefficients where the basis is
/// <see cref="TokenBasis.Energy"/>. The sum of each channel's levels follows, and its scale if it has one. Then come
/// the levels, as the product's panels take them. In float32, the coefficients are kept as they are.
/// </remarks>
internal sealed unsafe class WeightGradientProduct : IDisposable
{
    private const int HeaderBytes = 64, KeptOffset = 16;

    private readonly GradientArithmetic _arithmetic;
    private readonly TokenBlocks _blocks;
    private readonly TokenBlocks[] _seen;
    private readonly TokenBasis _basis;
    private readonly int _inputBits, _outputs, _inputs, _images, _paddedInputs;
    private readonly bool _hasChannelScales;
    private readonly Int8GemmKernel _kernel = Int8Gemm.Table.Best;
    private readonly NativeBuffer<float> _bias;
    private readonly NativeBuffer<int> _zeroPoints;

    /// <summary>Prepares a layer.</summary>
    /// <param name="arithmetic">How to compute; not the exact arithmetic.</param>
    /// <param name="inputBits">The bits in which the input is kept.</param>
    /// <param name="blocks">The tokens' blocks.</param>
    /// <param name="basis">Which coefficients are kept.</param>
    /// <param name="outputs">The channels of ȳ.</param>
    /// <param name="inputs">The channels of x.</param>
    /// <param name="images">The most images that a micro-batch holds.</param>
    /// <param name="seen">
    /// For a convolution: the tokens that each tap of its kernel sees, whose channels side by side are the inputs; null
    /// for the blocks themselves.
    /// </param>
    public WeightGradientProduct(
        GradientArithmetic arithmetic, int inputBits, TokenBlocks blocks, TokenBasis basis, int outputs, int inputs,
        int images, TokenBlocks[]? seen = null)
    {
        if (blocks.Rows(images) > PackedIntegerWeights.MaxInputs)
            throw new ArgumentException($"{blocks.Rows(images)} tokens are too many for int32 sums.", nameof(blocks));
        _seen = seen ?? [blocks];
        _hasChannelScales = arithmetic.LowRank && !blocks.HasBlocks;
        (
            _arithmetic, _inputBits, _blocks, _basis, _outputs, _inputs,
            _images) = (arithmetic, inputBits, blocks, basis, outputs, inputs, images);
        _paddedInputs = (inputs + _kernel.ColumnMultiple - 1) / _kernel.ColumnMultiple * _kernel.ColumnMultiple;
        _bias = new NativeBuffer<float>(_paddedInputs, zeroed: true);
        _zeroPoints = new NativeBuffer<int>(outputs);
        _zeroPoints.Span.Fill(HadamardRows.ZeroPoint);
        // A multiple of 1 KiB between neighbouring groups would map them to few sets of the nearest cache.
        GradientColumns = HadamardRows.Padded(outputs);
        if (GradientColumns % 256 == 0)
            GradientColumns += 16;
    }

    /// <summary>The bytes that are kept of the inputs of some images.</summary>
    public long KeptBytes(int images)
    {
        if (!_arithmetic.IsInteger)
            return HeaderBytes + ((long)_blocks.Rows(images) * _inputs * sizeof(float));
        long levels = (long)Groups(images) * 4 * _paddedInputs;
        return LevelsOffset + (_inputBits == 4 ? levels / 2 : levels);
    }

    /// <summary>The elements of scratch memory that <see cref="Keep"/> and <see cref="Add"/> need.</summary>
    public int ScratchLength
    {
        get
        {
            // With the basis of most energy, all 16 coefficients of a block pass through.
            long rows = Math.Max(
                _blocks.Rows(_images),
                _basis == TokenBasis.Energy ? _blocks.Tokens(_images) : 0),
                groups = Groups(_images);
            return Math.Max(
                ScratchSpace.Length(
                    (TakesInputRows ? 0 : rows) * _inputs * sizeof(float), _inputs * sizeof(float),
                    _inputs * sizeof(float), groups * 4 * _paddedInputs),
                ScratchSpace.Length(
                    (TakesGradientRows ? 0 : rows) * _outputs * sizeof(float),
                    _outputs * sizeof(float),
                    _outputs * sizeof(float),
                    _outputs * sizeof(float),
                    groups * 4 * GradientColumns,
                    (HasCenters ? _outputs : _paddedInputs) * sizeof(float),
                    FloatGemm.TransposedScratch((int)rows) * sizeof(float)));
        }
    }

    /// <summary>The offset of an input's scales, behind the sums.</summary>
    private int ScalesOffset => HeaderBytes + (_paddedInputs * sizeof(int));

    /// <summary>The offset of an input's centers, behind the scales.</summary>
    private int CentersOffset => ScalesOffset + (_hasChannelScales ? _paddedInputs * sizeof(float) : 0);

    private int LevelsOffset => CentersOffset + (HasCenters ? _paddedInputs * sizeof(float) : 0);

    /// <summary>Whether levels of x are those of its distance from the middle of each channel's range.</summary>
    private bool HasCenters => _hasChannelScales && TakesInputRows;

    /// <summary>Whether x is rounded at random, too.</summary>
    /// <remarks>The nearest of few levels is the same in each epoch, so its error does not average out.</remarks>
    private bool IsInputRandom => HasCenters && _inputBits == 4;

    /// <summary>Whether rows of ȳ can be summed while their largest magnitudes are found.</summary>
    private bool SumsWithMaxima => TakesGradientRows && _outputs % HadamardRows.BlockColumns == 0;

    /// <summary>Whether the rows of ȳ are the operand as they are, so that they are rounded in place.</summary>
    private bool TakesGradientRows => _arithmetic.IsInteger && !_blocks.HasBlocks;

    /// <summary>As above, for the rows of x.</summary>
    private bool TakesInputRows => TakesGradientRows && _seen[0] == _blocks;

    /// <summary>The distance of neighbouring groups of ȳ's levels in units of four bytes.</summary>
    private int GradientColumns { get; }

    /// <summary>Compresses the inputs of a micro-batch's images.</summary>
    /// <param name="x"><c>[images·tokens, inputs]</c>; for a convolution <c>[tokens, inputs/taps]</c>.</param>
    /// <param name="ldx">The distance of its rows in elements.</param>
    /// <param name="images">The images.</param>
    /// <param name="kept"><see cref="KeptBytes"/>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    /// <param name="key">The key of the random numbers.</param>
    public void Keep(float* x, nint ldx, int images, byte* kept, float* scratch, uint key)
    {
        var space = new ScratchSpace(scratch);
        int rows = _blocks.Rows(images);
        byte* coefficients = kept + KeptOffset;
        new ReadOnlySpan<byte>(_blocks.Kept, _blocks.Rank).CopyTo(new Span<byte>(coefficients, _blocks.Rank));
        if (_basis == TokenBasis.Energy && _blocks.HasBlocks)
            FindCoefficients(x, ldx, images, coefficients, space);
        float* maxima = space.Take<float>(_inputs), inverseScales = space.Take<float>(_inputs);
        float* reduced = TakesInputRows
            ? null
            : _arithmetic.IsInteger
            ? space.Take<float>((long)rows * _inputs)
            : (float*)(kept + HeaderBytes);
        float* centers = HasCenters ? (float*)(kept + CentersOffset) : null;
        if (HasCenters)
            FindCenters(x, ldx, rows, centers, maxima);
        else
            ReduceInput(x, ldx, images, coefficients, _blocks.Rank, reduced, maxima);
        OperationTimes.EndPhase("keep: transform");
        if (!_arithmetic.IsInteger)
            return;

        int maxLevel = Levels.MaxLevel(_inputBits);
        if (_hasChannelScales)
            new Span<float>(kept + ScalesOffset, _paddedInputs).Clear();
        FindScales(
            maxima, _inputs, maxLevel, _hasChannelScales ? (float*)(kept + ScalesOffset) : (float*)kept, inverseScales);
        int groups = Groups(images);
        byte* levels = kept + LevelsOffset;
        var pack = new PackLevelsCall
        {
            Source = TakesInputRows ? x : reduced,
            SourceStride = TakesInputRows ? ldx : _inputs,
            Rows = rows,
            Columns = _inputs,
            Groups = groups,
            Target = _inputBits == 4 ? space.Take<byte>((long)groups * 4 * _paddedInputs) : levels,
            PanelColumns = _kernel.Columns,
            PaddedColumns = _paddedInputs,
            Centers = centers,
            InverseScales = inverseScales,
            MaxLevel = maxLevel,
            Rounding = IsInputRandom ? LevelRounding.Stochastic : LevelRounding.Nearest,
            Key = key,
            ColumnSums = (int*)(kept + HeaderBytes),
        };
        PackLevels.Run(in pack);
        if (_inputBits == 4)
            IntegerPanels.PackNibbles(_kernel, _paddedInputs, groups, (sbyte*)pack.Target, (sbyte*)levels);
        OperationTimes.EndPhase("keep: round");
    }

    /// <summary>Adds W̄ of a micro-batch's images.</summary>
    /// <param name="kept">The output of <see cref="Keep"/>.</param>
    /// <param name="y">ȳ, <c>[images·tokens, outputs]</c>.</param>
    /// <param name="ldy">The distance of its rows in elements.</param>
    /// <param name="images">The images.</param>
    /// <param name="gradient">The sum, <c>[outputs, inputs]</c>.</param>
    /// <param name="scratch"><see cref="ScratchLength"/> elements.</param>
    /// <param name="key">The key of the random numbers.</param>
    /// <param name="sums">The rows of ȳ are added to these sums; null for none.</param>
    public void Add(
        byte* kept, float* y, nint ldy, int images, float* gradient, float* scratch, uint key, float* sums = null)
    {
        var space = new ScratchSpace(scratch);
        int rows = _blocks.Rows(images), groups = Groups(images);
        float* reduced = TakesGradientRows ? null : space.Take<float>((long)rows * _outputs),
            maxima = space.Take<float>(_outputs);
        float* ownSums = HasCenters ? space.Take<float>(_outputs) : sums;
        if (HasCenters)
            new Span<float>(ownSums, _outputs).Clear();
        var call =
            new TokenHadamardCall
            {
                Source = y,
                SourceStride = ldy,
                Columns = _outputs,
                Target = reduced,
                TargetStride = _outputs,
                Maxima = maxima,
                Sums = SumsWithMaxima ? ownSums : null,
            };
        _blocks.Describe(ref call, images);
        call.Kept = kept + KeptOffset;
        TokenHadamard.Run(in call);
        if (ownSums is not null && !SumsWithMaxima)
            RowSums.AddColumns(y, ldy, _blocks.Tokens(images), _outputs, ownSums);
        if (HasCenters)
        {
            if (sums is not null)
                RowSums.Write(ownSums, sums, _outputs, accumulate: true);
            OuterProducts.Add(ownSums, _outputs, (float*)(kept + CentersOffset), _inputs, gradient);
        }
        OperationTimes.EndPhase("W̄ transform");
        if (!_arithmetic.IsInteger)
        {
            float* panel = space.Take<float>(FloatGemm.TransposedScratch(rows));
            FloatGemm.AddTransposed(
                reduced, _outputs, (float*)(kept + HeaderBytes), _inputs, rows, _outputs, _inputs, gradient, panel);
            return;
        }
        int maxLevel = _arithmetic.MaxGradientLevel;
        float* scales = space.Take<float>(_outputs), inverseScales = space.Take<float>(_outputs);
        FindScales(maxima, _outputs, maxLevel, scales, inverseScales);
        float* inputScales = (float*)(kept + ScalesOffset);
        if (!_hasChannelScales)
        {
            inputScales = space.Take<float>(_paddedInputs);
            new Span<float>(inputScales, _paddedInputs).Fill(*(float*)kept);
        }
        var pack = new PackLevelsCall
        {
            Source = TakesGradientRows ? y : reduced,
            SourceStride = TakesGradientRows ? ldy : _outputs,
            Rows = rows,
            Columns = _outputs,
            Groups = groups,
            Target = space.Take<byte>((long)groups * 4 * GradientColumns),
            PanelColumns = GradientColumns,
            PaddedColumns = GradientColumns,
            InverseScales = inverseScales,
            MaxLevel = maxLevel,
            Rounding = _arithmetic.Rounding,
            Key = key,
            ZeroPoint = HadamardRows.ZeroPoint,
        };
        PackLevels.Run(in pack);
        OperationTimes.EndPhase("W̄ round");
        var panels = new IntegerPanels
        {
            Kernel = _kernel,
            Outputs = _inputs,
            PaddedOutputs = _paddedInputs,
            Groups = groups,
            HasNibbles = _inputBits == 4,
            Weights = (sbyte*)(kept + LevelsOffset),
            ColumnSums = (int*)(kept + HeaderBytes),
            Scales = inputScales,
            Bias = _bias.Pointer,
        };
        var parameters = new TokenParameters(scales, _zeroPoints.Pointer, stride: _hasChannelScales ? 1 : 0);
        Int8Gemm.Run(
            in panels, pack.Target, lda: 4, groupStride: 4 * GradientColumns, in parameters, gradient, _inputs, 0,
            _outputs, accumulate: true);
        OperationTimes.EndPhase("W̄ product");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _bias.Dispose();
        _zeroPoints.Dispose();
        foreach (TokenBlocks blocks in _seen.Where(blocks => blocks != _blocks))
            blocks.Dispose();
    }

    private int Groups(int images) => (_blocks.Rows(images) + 3) / 4;

    /// <summary>The scales of some channels and their inverses.</summary>
    /// <remarks>
    /// Each scale follows from the channel's largest magnitude, or one scale from the largest of all. There is always
    /// one inverse for each channel.
    /// </remarks>
    private void FindScales(float* maxima, int channels, int maxLevel, float* scales, float* inverseScales)
    {
        if (!_hasChannelScales)
        {
            float largest = TensorPrimitives.Max(new ReadOnlySpan<float>(maxima, channels));
            *scales = Levels.Scale(largest, maxLevel);
            new Span<float>(inverseScales, channels).Fill(Levels.InverseScale(largest, maxLevel));
            return;
        }
        for (int i = 0; i < channels; i++)
        {
            scales[i] = Levels.Scale(maxima[i], maxLevel);
            inverseScales[i] = Levels.InverseScale(maxima[i], maxLevel);
        }
    }

    /// <summary>The middle of each channel's range, and the largest distance from it.</summary>
    private void FindCenters(float* x, nint ldx, int rows, float* centers, float* maxima)
    {
        new Span<float>(centers, _paddedInputs).Clear();
        ColumnRanges.Find(x, ldx, rows, _inputs, minima: centers, maxima);
        for (int i = 0; i < _inputs; i++)
        {
            float lower = 0.5f * centers[i], upper = 0.5f * maxima[i];
            (centers[i], maxima[i]) = (lower + upper, upper - lower);
        }
    }

    /// <summary>Computes Ĥ·x and the largest magnitude of each column; without a target, only the magnitudes.</summary>
    /// <remarks>The result has some coefficients of each block. Single tokens stay as they are.</remarks>
    private void ReduceInput(float* x, nint ldx, int images, byte* coefficients, int rank, float* target, float* maxima)
    {
        int columns = _inputs / _seen.Length;
        for (int tap = 0; tap < _seen.Length; tap++)
        {
            var call = new TokenHadamardCall
            {
                Source = x,
                SourceStride = ldx,
                Columns = columns,
                Target = target is null ? null : target + (tap * columns),
                TargetStride = _inputs,
                Maxima = maxima + (tap * columns),
            };
            _seen[tap].Describe(ref call, images);
            call.Kept = coefficients;
            call.Rank = rank;
            TokenHadamard.Run(in call);
        }
    }

    /// <summary>The coefficients with most energy over all blocks and channels of x, in ascending order.</summary>
    private void FindCoefficients(float* x, nint ldx, int images, byte* coefficients, ScratchSpace space)
    {
        const int all = TokenHadamard.BlockRows;
        byte* every = stackalloc byte[all];
        for (int i = 0; i < all; i++)
            every[i] = (byte)i;
        float* maxima = space.Take<float>(_inputs),
            transformed = space.Take<float>((long)_blocks.Tokens(images) * _inputs);
        ReduceInput(x, ldx, images, every, all, transformed, maxima);
        var energies = new float[all];
        for (int i = 0; i < _blocks.TokensInBlocks(images); i++)
        {
            energies[i % all] += TensorPrimitives.SumOfSquares(
                new ReadOnlySpan<float>(transformed + ((nint)i * _inputs), _inputs));
        }

        byte[] strongest =
        [
            .. Enumerable.Range(0, all).OrderByDescending(
                i => energies[i]).Take(_blocks.Rank).Order().Select(i => (byte)i),
        ];
        strongest.CopyTo(new Span<byte>(coefficients, strongest.Length));
    }
}
