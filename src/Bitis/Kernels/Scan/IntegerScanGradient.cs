using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Rounding;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Scan;

/// <summary>The backward pass of <see cref="IntegerScan"/> with straight-through gradients, in float32.</summary>
/// <remarks>
/// Let ȳ = ∂L/∂y, S the scale of h at a token, and x̂ the value of x's level. The 1 stands for 1 where the rounded
/// number lies between the outermost levels, else 0. From the last token to the first:
/// <code>
///   v_t     = Ā_t·h_(t−1) + Δ̂_t·û_t·B̂_t       h_t = S·q(v_t/S)      as the forward pass, but for its 16-bit products
///   h̄_t     = v̄_(t+1)·Ā_(t+1) + Ĉ_t·ȳ_t       v̄_t = 1·h̄_t                 S̄ += Σ_n h̄_t·(q − 1·v_t/S)
///   Ĉ̄_t     = Σ_e ȳ_t·h_t                     B̂̄_t = Σ_e v̄_t·Δ̂_t·û_t
///   û̄_t     = D·ȳ_t + Δ̂_t·Σ_n v̄_t·B̂_t         Δ̂̄_t = û_t·Σ_n v̄_t·B̂_t + Σ_n v̄_t·h_(t−1)·Ā_t·A
///   x̄       = 1·x̂̄    s̄ = Σ x̂̄·(q − z − 1·x/s)    for x = u, B, C; through the softplus's slope for Δ
/// </code>
/// (here bars are gradients). Lanes hold channels. A register of channels goes through all tokens forward, which
/// recovers the hidden states and keeps the values for the backward pass. Then it goes backward.
/// </remarks>
internal abstract unsafe class IntegerScanGradient : ILanesOperation<CallKernel<IntegerScanGradientCall>>
{
    /// <summary>The lanes of the widest register.</summary>
    private const int Widest = 16;

    /// <summary>Makes any distance from the levels at least one.</summary>
    private const float Huge = 1e30f;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<IntegerScanGradientCall>> Table { get; } =
        KernelTable<CallKernel<IntegerScanGradientCall>>.ForLanes<IntegerScanGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<IntegerScanGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("i16-scan-gradient", instructionSet, &Run<TLanes>);

    /// <summary>Computes the gradients of one sequence, all channels of it.</summary>
    public static void Run(in IntegerScanGradientCall call) => Table.Best.Run(in call);

    /// <summary>The elements of scratch memory that a call needs.</summary>
    public static int ScratchLength(int tokens, int states) =>
        (tokens * states * (2 + (6 * Widest))) + (7 * tokens * Widest) + (states * Widest);

    // What is kept of a sequence:
    //
    //   sums      [tokens, states]   of registers: ∂L/∂B̂ | ∂L/∂Ĉ, over all channels; the lanes are added up at the end
    //   operands  7 × [tokens]       of registers: û | the level of Δ | Δ̂·û | ∂L/∂y | Σ v̄·B̂ | Σ v̄·h·Ā·A | Δ's code
    //   history   [tokens, states]   of registers: Ā | 1 where v lies inside of the levels | q − 1·v/S | h
    //   carried   [states]           of registers: v̄·Ā of the token after
    //   B̂ | Ĉ     [tokens, states]   of numbers
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in IntegerScanGradientCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        ScanGradientTables tables = call.Tables;
        float* scratch = call.Scratch;
        PackedScan packed = tables.Packed;
        int tokens = tables.Tokens, states = packed.States, length = tokens * states, channels = packed.Channels;
        int width = TLanes.Count;
        float* sums = scratch, work = sums + (2 * length * width);
        float* b = work + (((4 * length) + (7 * tokens) + states) * width), c = b + length;
        new Span<float>(sums, 2 * length * width).Clear();
        StateLevels.Quantize(
            tables,
            in call.Forward,
            call.Forward.B,
            call.Forward.BStride,
            packed.BInverse,
            packed.BScale,
            packed.BMaxLevel,
            b);
        StateLevels.Quantize(
            tables,
            in call.Forward,
            call.Forward.C,
            call.Forward.CStride,
            packed.CInverse,
            packed.CScale,
            packed.CMaxLevel,
            c);
        int whole = channels / width * width;
        for (int channel = 0; channel < whole; channel += width)
            RunChannels<TLanes>(tables, in call, channel, b, sums, width, work);
        for (int channel = whole; channel < channels; channel++)
            RunChannels<Lane1>(tables, in call, channel, b, sums, width, work);
        for (int i = 0; i < 2 * length; i++)
            sums[i] = TLanes.Sum(TLanes.Load(sums + ((nint)i * width)));
        var layout = new ScanSums(channels, tokens, tables.Groups);
        StateLevels.PassBack(
            tables,
            in call.Forward,
            call.Forward.B,
            call.Forward.BStride,
            packed.BInverse,
            packed.BMaxLevel,
            sums,
            call.Gradients.B,
            call.Gradients.BStride,
            call.Sums + layout.B);
        StateLevels.PassBack(
            tables,
            in call.Forward,
            call.Forward.C,
            call.Forward.CStride,
            packed.CInverse,
            packed.CMaxLevel,
            sums + length,
            call.Gradients.C,
            call.Gradients.CStride,
            call.Sums + layout.C);
        GC.KeepAlive(tables);
    }

    /// <summary>A register of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunChannels<TLanes>(
        ScanGradientTables tables,
        in IntegerScanGradientCall call,
        int channel,
        float* b,
        float* sums,
        int sumWidth,
        float* work)
        where TLanes : struct, ILanes<TLanes>
    {
        var layout = new ScanSums(tables.Packed.Channels, tables.Tokens, tables.Groups);
        float* history = work + (7 * tables.Tokens * TLanes.Count);
        Fetch<TLanes>(tables, in call, channel, work);
        Forward<TLanes>(tables, channel, work, b, history);
        Backward<TLanes>(tables, channel, work, b, history, sums, sumWidth, call.Sums + layout.HiddenState + channel);
        Deliver<TLanes>(tables, in call, in layout, channel, work);
    }

    /// <summary>Goes forward: the hidden states after each token, and the values for the backward pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<TLanes>(
        ScanGradientTables tables, int channel, float* operands, float* b, float* history)
        where TLanes : struct, ILanes<TLanes>
    {
        int tokens = tables.Tokens, states = tables.Packed.States, channels = tables.Packed.Channels;
        int width = TLanes.Count, group = 0;
        int* groups = tables.Packed.Groups;
        float* scales = tables.Scales + channel;
        float* decays = tables.Decays, offset = tables.Offsets, input = operands + (2 * tokens * width);
        float* code = operands + (6 * tokens * width);
        int half = 1 << (tables.Packed.HiddenBits - 1), row = 4 * states * width;
        TLanes lowest = TLanes.Create(-half), highest = TLanes.Create(half - 1), one = TLanes.Create(1f);
        TLanes none = TLanes.Create(0f);
        TLanes lastCode = TLanes.Create(IntegerScanTables.Codes - 1), scale = TLanes.Load(scales);
        TLanes inverse = one / scale;
        for (int t = 0; t < tokens; t++)
        {
            bool isNewGroup = groups[t] != group;
            if (isNewGroup)
            {
                group = groups[t];
                scale = TLanes.Load(scales + ((nint)group * channels));
                inverse = one / scale;
            }
            TLanes x = TLanes.Load(input), deltaCode = TLanes.Load(code);
            float* rate = tables.RateCodes + channel;
            for (int n = 0; n < states; n++, rate += channels, history += 4 * width)
            {
                TLanes h = t == 0 ? none : TLanes.Load(history + (3 * width) - row);
                if (isNewGroup)
                    h = Nearest(h, scale, inverse, lowest, highest);
                TLanes decay = TLanes.LookUp(
                    decays, TLanes.Min(TLanes.Max(deltaCode + TLanes.Load(rate), none), lastCode));
                TLanes v = TLanes.MultiplyAdd(decay, h, x * TLanes.Create(b[n])) * inverse;
                TLanes rounded = TLanes.Floor(v + TLanes.Create(offset[n]));
                TLanes level = TLanes.Min(TLanes.Max(rounded, lowest), highest);
                TLanes inside = one - TLanes.Min(TLanes.Abs(rounded - level), one);
                TLanes.Store(decay, history);
                TLanes.Store(inside, history + width);
                TLanes.Store(level - (inside * v), history + (2 * width));
                TLanes.Store(level * scale, history + (3 * width));
            }
            b += states;
            offset += states;
            input += width;
            code += width;
        }
    }

    /// <summary>Goes backward: the gradients of the values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<TLanes>(
        ScanGradientTables tables,
        int channel,
        float* operands,
        float* b,
        float* history,
        float* sums,
        int sumWidth,
        float* scaleGradients)
        where TLanes : struct, ILanes<TLanes>
    {
        int tokens = tables.Tokens, states = tables.Packed.States, channels = tables.Packed.Channels;
        int width = TLanes.Count;
        int* groups = tables.Packed.Groups;
        nint length = (nint)tokens * states, row = 4 * states * width;
        float* scales = tables.Scales + channel, carried = history + (4 * length * width);
        int half = 1 << (tables.Packed.HiddenBits - 1);
        TLanes lowest = TLanes.Create(-half), highest = TLanes.Create(half - 1), one = TLanes.Create(1f);
        TLanes none = TLanes.Create(0f), scaleGradient = none;
        new Span<float>(carried, states * width).Clear();
        for (int t = tokens - 1; t >= 0; t--)
        {
            float* operand = operands + ((nint)t * width), kept = history + (t * row), rate = tables.Rates + channel;
            float* bRow = b + ((nint)t * states), cRow = bRow + length, bSum = sums + ((nint)t * states * sumWidth);
            float* cSum = bSum + (length * sumWidth);
            int group = groups[t];
            bool startsGroup = t > 0 && groups[t - 1] != group;
            TLanes input = TLanes.Load(operand + (2 * tokens * width)), y = TLanes.Load(operand + (3 * tokens * width));
            TLanes throughB = none, throughA = none;
            TLanes scale = TLanes.Load(scales + ((nint)group * channels)), inverse = one / scale;
            for (int n = 0; n < states; n++)
            {
                TLanes before = t == 0 ? none : TLanes.Load(kept + (3 * width) - row);
                if (startsGroup)
                    before = Nearest(before, scale, inverse, lowest, highest);
                TLanes gradient = TLanes.MultiplyAdd(y, TLanes.Create(cRow[n]), TLanes.Load(carried + (n * width)));
                TLanes.Store(TLanes.MultiplyAdd(y, TLanes.Load(kept + (3 * width)), TLanes.Load(cSum)), cSum);
                scaleGradient = TLanes.MultiplyAdd(gradient, TLanes.Load(kept + (2 * width)), scaleGradient);
                gradient *= TLanes.Load(kept + width);
                TLanes.Store(TLanes.MultiplyAdd(gradient, input, TLanes.Load(bSum)), bSum);
                throughB = TLanes.MultiplyAdd(gradient, TLanes.Create(bRow[n]), throughB);
                gradient *= TLanes.Load(kept);
                TLanes.Store(gradient, carried + (n * width));
                throughA = TLanes.MultiplyAdd(gradient * before, TLanes.Load(rate), throughA);
                kept += 4 * width;
                rate += channels;
                bSum += sumWidth;
                cSum += sumWidth;
            }
            TLanes.Store(throughB, operand + (4 * tokens * width));
            TLanes.Store(throughA, operand + (5 * tokens * width));
            if (startsGroup || t == 0)
            {
                float* target = scaleGradients + ((nint)group * channels);
                TLanes.Store(TLanes.Load(target) + scaleGradient, target);
                scaleGradient = none;
            }
        }
    }

    /// <summary>The values of the nearest levels, at the start of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Nearest<TLanes>(TLanes h, TLanes scale, TLanes inverse, TLanes lowest, TLanes highest)
        where TLanes : struct, ILanes<TLanes> => scale * TLanes.Min(
            TLanes.Max(TLanes.Round(h * inverse), lowest), highest);

    /// <summary>The operands of a register of channels, in the order of the scan.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fetch<TLanes>(
        ScanGradientTables tables, in IntegerScanGradientCall call, int channel, float* operands)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly IntegerScanCall forward = ref call.Forward;
        PackedScan packed = tables.Packed;
        DeltaLevels delta = packed.Delta;
        int tokens = tables.Tokens, column = tokens * TLanes.Count;
        bool isBeforeSoftplus = delta.IsBeforeSoftplus;
        float* deltas = tables.Deltas, codes = tables.DeltaCodes;
        TLanes zero = TLanes.Create(0f), lowest = TLanes.Create(delta.Lowest);
        TLanes inverse = TLanes.Create(delta.InverseScale), max = TLanes.Create(delta.MaxLevel);
        TLanes uInverse = TLanes.Load(packed.UInverse + channel), low = TLanes.Load(packed.ULow + channel);
        TLanes high = TLanes.Load(packed.UHigh + channel);
        TLanes uScale = TLanes.Create(1f) / uInverse;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        for (int t = 0; t < tokens; t++, operands += TLanes.Count)
        {
            nint row = forward.Reverse ? tokens - 1 - t : t;
            TLanes u = TLanes.Load(forward.U + (row * forward.UStride) + channel);
            TLanes x = TLanes.Load(forward.Delta + (row * forward.DeltaStride) + channel);
            if (!isBeforeSoftplus)
                x = VectorMath.Softplus(x, in exp);
            TLanes.Store(uScale * TLanes.Min(TLanes.Max(TLanes.Round(u * uInverse), low), high), operands);
            TLanes.Store(TLanes.Min(TLanes.Max(TLanes.Round((x - lowest) * inverse), zero), max), operands + column);
            TLanes.Store(
                TLanes.Load(call.Gradients.Output + (row * call.Gradients.OutputStride) + channel),
                operands + (3 * column));
            for (int i = 0; i < TLanes.Count; i++)
            {
                int level = (int)operands[column + i];
                operands[(2 * column) + i] = operands[i] * deltas[level];
                operands[(6 * column) + i] = codes[level];
            }
        }
    }

    /// <summary>
    /// The gradients of u and Δ, and of their scales, from what <see cref="Backward"/> has left of a register of
    /// channels.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Deliver<TLanes>(
        ScanGradientTables tables, in IntegerScanGradientCall call, in ScanSums layout, int channel, float* operands)
        where TLanes : struct, ILanes<TLanes>
    {
        ref readonly IntegerScanCall forward = ref call.Forward;
        PackedScan packed = tables.Packed;
        DeltaLevels delta = packed.Delta;
        int tokens = tables.Tokens, column = tokens * TLanes.Count;
        bool isBeforeSoftplus = delta.IsBeforeSoftplus;
        float* deltas = tables.Deltas, slopes = tables.Slopes, found = stackalloc float[2 * TLanes.Count];
        TLanes zero = TLanes.Create(0f), one = TLanes.Create(1f), huge = TLanes.Create(Huge);
        TLanes lowest = TLanes.Create(delta.Lowest), inverse = TLanes.Create(delta.InverseScale);
        TLanes max = TLanes.Create(delta.MaxLevel);
        TLanes zeroPoint = lowest * inverse * TLanes.Create(-1f), scaleSum = zero, zeroSum = zero;
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        TLanes uInverse = TLanes.Load(packed.UInverse + channel), low = TLanes.Load(packed.ULow + channel);
        TLanes high = TLanes.Load(packed.UHigh + channel);
        TLanes skip = TLanes.Load(tables.Skip + channel), uSum = zero;
        for (int t = 0; t < tokens; t++, operands += TLanes.Count)
        {
            nint row = forward.Reverse ? tokens - 1 - t : t;
            for (int k = 0; k < TLanes.Count; k++)
            {
                int q = (int)operands[column + k];
                found[k] = deltas[q];
                found[TLanes.Count + k] = slopes[q];
            }
            TLanes throughB = TLanes.Load(operands + (4 * column));
            TLanes gradient = TLanes.MultiplyAdd(
                skip, TLanes.Load(operands + (3 * column)), TLanes.Load(found) * throughB);
            TLanes v = TLanes.Load(forward.U + (row * forward.UStride) + channel) * uInverse;
            TLanes clamped = TLanes.Min(TLanes.Max(v, low), high);
            TLanes passed = gradient * (one - TLanes.Min(one, TLanes.Abs(v - clamped) * huge));
            uSum += (gradient * TLanes.Min(TLanes.Max(TLanes.Round(v), low), high)) - (passed * v);
            if (call.Gradients.U != null)
            {
                float* target = call.Gradients.U + (row * call.Gradients.UStride) + channel;
                TLanes.Store(call.Gradients.AccumulateU ? TLanes.Load(target) + passed : passed, target);
            }

            TLanes level = TLanes.Load(operands + column);
            TLanes x = TLanes.Load(forward.Delta + (row * forward.DeltaStride) + channel), slope = one;
            gradient = TLanes.MultiplyAdd(TLanes.Load(operands), throughB, TLanes.Load(operands + (5 * column)));
            if (isBeforeSoftplus)
            {
                gradient *= TLanes.Load(found + TLanes.Count);
            }
            else
            {
                slope = VectorMath.Sigmoid(x, in exp);
                x = VectorMath.Softplus(x, in exp);
            }
            v = (x - lowest) * inverse;
            passed = gradient * (one - TLanes.Min(one, TLanes.Abs(v - TLanes.Min(TLanes.Max(v, zero), max)) * huge));
            scaleSum += (gradient * (level - zeroPoint)) - (passed * (v - zeroPoint));
            zeroSum += gradient - passed;
            if (call.Gradients.Delta != null)
                TLanes.Store(passed * slope, call.Gradients.Delta + (row * call.Gradients.DeltaStride) + channel);
        }
        float* sums = call.Sums + ScanSums.U + channel;
        TLanes.Store(TLanes.Load(sums) + uSum, sums);
        call.Sums[layout.DeltaScale] += TLanes.Sum(scaleSum);
        call.Sums[layout.DeltaZeroPoint] -= TLanes.Sum(zeroSum) * delta.Scale;
    }
}
