using System.Runtime.CompilerServices;
using Bitis.Kernels.Dispatch;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Scan;

/// <summary>The backward pass of <see cref="SelectiveScan"/>.</summary>
/// <remarks>
/// With ȳ = ∂L/∂y, from the last token to the first:
/// <code>
/// h̄_t     = h̄_t + C_t·ȳ_t                     C̄_t = Σ_e ȳ_t·h_t
/// B̄_t     = Σ_e h̄_t·Δ_t·u_t                   ū_t = D·ȳ_t + Δ_t·Σ_n h̄_t·B_t        D̄ = Σ_t ȳ_t·u_t
/// g_t     = h̄_t·exp(Δ_t·A)·h_(t−1)            Δ̄_t = Σ_n g_t·A + u_t·Σ_n h̄_t·B_t    Ā = Σ_t g_t·Δ_t
/// h̄_(t−1) = h̄_t·exp(Δ_t·A)
/// </code>
/// (here bars are gradients). Hidden states are not stored. Chunk by chunk, from the last to the first, they are
/// computed again from the forward's checkpoint. They go with their decays to a buffer that stays in near caches.
/// B̄ and C̄ are sums over all channels. Lanes hold channels. So each token and state of a chunk has a register of
/// sums, to which all channels add. At the end of the chunk, its lanes are added up. One call does all channels of a
/// sequence in a fixed order; the parallel dimension is the batch.
/// </remarks>
internal abstract unsafe class SelectiveScanGradient : ILanesOperation<CallKernel<SelectiveScanGradientCall>>
{
    private const float Ln2 = 0.693147182f;

    /// <summary>The forms of this operation.</summary>
    public static KernelTable<CallKernel<SelectiveScanGradientCall>> Table { get; } =
        KernelTable<CallKernel<SelectiveScanGradientCall>>.ForLanes<SelectiveScanGradient>();

    /// <summary>Registers the forms by their names.</summary>
    [ModuleInitializer]
    internal static void Register() => KernelTables.Add(static () => Table.Rows);

    /// <inheritdoc />
    public static CallKernel<SelectiveScanGradientCall> Form<TLanes>(InstructionSet instructionSet)
        where TLanes : struct, ILanes<TLanes> => new("f32-scan-gradient", instructionSet, &Run<TLanes>);

    /// <summary>Computes all gradients of one sequence.</summary>
    public static void Run(in SelectiveScanGradientCall call) => Table.Best.Run(in call);

    /// <summary>The elements of scratch memory that a call needs.</summary>
    /// <param name="channels">E.</param>
    /// <param name="states">N.</param>
    /// <param name="chunkTokens">The distance of checkpoints.</param>
    public static int ScratchLength(int channels, int states, int chunkTokens)
    {
        const int widest = 16;
        return (3 * channels * states) + (states * widest * ((4 * chunkTokens) + 2)) + (2 * chunkTokens * widest);
    }

    // Values that are used together lie together, a register each, so that the innermost loop has few pointers:
    //
    //   carried  [E / lanes, N]  h̄ after the chunk | A | Ā
    //   sums     [count, N]      B̄ | C̄
    //   history  [1 + count, N]  exp(Δ_t·A) | h_t             the first row is the state before the chunk
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TLanes>(in SelectiveScanGradientCall call)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.Forward.States, tokens = call.Forward.Tokens, channels = call.Channels;
        int wide = channels / TLanes.Count * TLanes.Count, chunkTokens = call.Forward.CheckpointTokens;
        float* carried = call.Scratch;
        float* sums = carried + (3 * (nint)channels * states);
        for (int channel = 0; channel < wide; channel += TLanes.Count)
            LoadRates<TLanes>(in call, channel, carried);
        for (int channel = wide; channel < channels; channel++)
            LoadRates<Lane1>(in call, channel, carried);

        for (int chunk = (tokens - 1) / chunkTokens; chunk >= 0; chunk--)
        {
            int start = chunk * chunkTokens, count = Math.Min(chunkTokens, tokens - start);
            int sumLength = 2 * count * states * TLanes.Count;
            new Span<float>(sums, sumLength).Clear();
            if (chunk > 0)
                Announce(in call, chunk - 1, channels);
            float* buffers = sums + sumLength;
            for (int channel = 0; channel < wide; channel += TLanes.Count)
            {
                if (call.AGradient is null)
                    RunChunk<TLanes, Off>(in call, chunk, start, count, channel, carried, sums, TLanes.Count, buffers);
                else
                    RunChunk<TLanes, On>(in call, chunk, start, count, channel, carried, sums, TLanes.Count, buffers);
            }
            for (int channel = wide; channel < channels; channel++)
                RunChunk<Lane1, On>(in call, chunk, start, count, channel, carried, sums, TLanes.Count, buffers);
            WriteSums<TLanes>(in call, start, count, sums);
        }

        if (call.AGradient is null)
            return;
        for (int channel = 0; channel < wide; channel += TLanes.Count)
            AddRateGradients<TLanes>(in call, channel, carried);
        for (int channel = wide; channel < channels; channel++)
            AddRateGradients<Lane1>(in call, channel, carried);
    }

    /// <summary>Prefetches the inputs of the next chunk, which the forward pass wrote long ago.</summary>
    private static void Announce(in SelectiveScanGradientCall call, int chunk, int channels)
    {
        ref readonly SelectiveScanCall forward = ref call.Forward;
        int count = forward.CheckpointTokens, first = chunk * count;
        nint token = forward.Reverse ? forward.Tokens - first - count : first;
        CacheHint.WillRead(forward.U + (token * forward.UStride), forward.UStride, count, channels);
        CacheHint.WillRead(forward.Delta + (token * forward.DeltaStride), forward.DeltaStride, count, channels);
        CacheHint.WillRead(
            call.Gradients.Output + (token * call.Gradients.OutputStride),
            call.Gradients.OutputStride,
            count,
            channels);
        float* checkpoint = forward.Checkpoints + ((nint)chunk * forward.States * forward.AStride);
        CacheHint.WillRead(checkpoint, forward.AStride, forward.States, channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadRates<TLanes>(in SelectiveScanGradientCall call, int channel, float* carried)
        where TLanes : struct, ILanes<TLanes>
    {
        float* row = carried + (3 * (nint)channel * call.Forward.States);
        for (int n = 0; n < call.Forward.States; n++, row += 3 * TLanes.Count)
        {
            TLanes.Store(TLanes.Create(0f), row);
            TLanes.Store(TLanes.Load(call.Forward.A + (n * call.Forward.AStride) + channel), row + TLanes.Count);
            TLanes.Store(TLanes.Create(0f), row + (2 * TLanes.Count));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRateGradients<TLanes>(in SelectiveScanGradientCall call, int channel, float* carried)
        where TLanes : struct, ILanes<TLanes>
    {
        float* row = carried + (3 * (nint)channel * call.Forward.States) + (2 * TLanes.Count);
        for (int n = 0; n < call.Forward.States; n++, row += 3 * TLanes.Count)
        {
            float* target = call.AGradient + (n * call.Forward.AStride) + channel;
            TLanes.Store(TLanes.Load(target) + TLanes.Load(row), target);
        }
    }

    /// <summary>
    /// Computes one chunk for one register of channels: forward to recover the states, then backward.
    /// </summary>
    /// <remarks>Where a switch is on, it also computes the gradient of the rates, Ā.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunChunk<TLanes, TRates>(
        in SelectiveScanGradientCall call,
        int chunk,
        int start,
        int count,
        int channel,
        float* carried,
        float* sums,
        int sumWidth,
        float* buffers)
        where TLanes : struct, ILanes<TLanes>
        where TRates : struct, ISwitch
    {
        int states = call.Forward.States, width = TLanes.Count, row = 2 * states * TLanes.Count;
        carried += 3 * (nint)channel * states;
        float* history = buffers;
        float* deltas = history + ((count + 1) * row); // [count]
        float* slopes = deltas + (count * width); // [count], ∂Δ/∂(Δ before the softplus)
        Recover<TLanes>(in call.Forward, chunk, start, count, channel, carried, history, deltas, slopes);

        TLanes zero = TLanes.Create(0f);
        TLanes skip = call.Forward.D is null ? zero : TLanes.Load(call.Forward.D + channel);
        TLanes skipGradient = zero;
        for (int i = count - 1; i >= 0; i--)
        {
            nint token = call.Forward.Reverse ? call.Forward.Tokens - 1 - (start + i) : start + i;
            TLanes y = TLanes.Load(call.Gradients.Output + (token * call.Gradients.OutputStride) + channel)
                * TLanes.Create(call.Forward.OutputScale);
            TLanes u = TLanes.Load(call.Forward.U + (token * call.Forward.UStride) + channel);
            TLanes delta = TLanes.Load(deltas + (i * width));
            TLanes input = delta * u;
            float* b = call.Forward.B + (token * call.Forward.BStride);
            float* c = call.Forward.C + (token * call.Forward.CStride);
            float* before = history + (i * row);
            float* after = before + row;
            float* sum = sums + (2 * (nint)i * states * sumWidth);
            float* carry = carried;
            TLanes throughB = zero, throughA = zero; // Σ_n h̄·B and Σ_n g·A/ln 2
            for (int n = 0; n < states; n++)
            {
                TLanes h = TLanes.MultiplyAdd(y, TLanes.Create(c[n]), TLanes.Load(carry));
                TLanes.Store(TLanes.MultiplyAdd(h, input, TLanes.Load(sum)), sum);
                TLanes.Store(
                    TLanes.MultiplyAdd(y, TLanes.Load(after + TLanes.Count), TLanes.Load(sum + sumWidth)),
                    sum + sumWidth);
                throughB = TLanes.MultiplyAdd(h, TLanes.Create(b[n]), throughB);
                h *= TLanes.Load(after);
                TLanes.Store(h, carry);
                TLanes g = h * TLanes.Load(before + TLanes.Count);
                throughA = TLanes.MultiplyAdd(g, TLanes.Load(carry + TLanes.Count), throughA);
                if (TRates.IsOn)
                {
                    TLanes.Store(
                        TLanes.MultiplyAdd(g, delta, TLanes.Load(carry + (2 * TLanes.Count))),
                        carry + (2 * TLanes.Count));
                }
                before += 2 * TLanes.Count;
                after += 2 * TLanes.Count;
                carry += 3 * TLanes.Count;
                sum += 2 * sumWidth;
            }
            TLanes deltaGradient = TLanes.MultiplyAdd(
                u, throughB, throughA * TLanes.Create(Ln2)) * TLanes.Load(slopes + (i * width));
            TLanes.Store(deltaGradient, call.Gradients.Delta + (token * call.Gradients.DeltaStride) + channel);
            TLanes uGradient = TLanes.MultiplyAdd(skip, y, delta * throughB);
            float* target = call.Gradients.U + (token * call.Gradients.UStride) + channel;
            TLanes.Store(call.Gradients.AccumulateU ? TLanes.Load(target) + uGradient : uGradient, target);
            skipGradient = TLanes.MultiplyAdd(y, u, skipGradient);

            // Of as many tokens at a time, whatever the distance of checkpoints: the same bits.
            if (i % SelectiveScan.ChunkTokens == 0 && call.DGradient is not null)
            {
                TLanes.Store(TLanes.Load(call.DGradient + channel) + skipGradient, call.DGradient + channel);
                skipGradient = zero;
            }
        }
    }

    /// <summary>
    /// The decays and hidden states of a chunk, computed as in the forward pass from the checkpoint before it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Recover<TLanes>(
        in SelectiveScanCall call,
        int chunk,
        int start,
        int count,
        int channel,
        float* carried,
        float* history,
        float* deltas,
        float* slopes)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.States, width = TLanes.Count, row = 2 * states * TLanes.Count;
        float* checkpoint = call.Checkpoints + ((nint)chunk * states * call.AStride) + channel;
        for (int n = 0; n < states; n++)
            TLanes.Store(TLanes.Load(checkpoint + (n * call.AStride)), history + (((2 * n) + 1) * width));
        var exp = new ExpPolynomial<TLanes>(PolynomialCoefficients.Exp);
        for (int i = 0; i < count; i++)
        {
            nint token = call.Reverse ? call.Tokens - 1 - (start + i) : start + i;
            TLanes delta = TLanes.Load(call.Delta + (token * call.DeltaStride) + channel);
            TLanes slope = TLanes.Create(1f);
            if (call.DeltaSoftplus)
            {
                slope = VectorMath.Sigmoid(delta, in exp);
                delta = VectorMath.Softplus(delta, in exp);
            }
            TLanes.Store(delta, deltas + (i * width));
            TLanes.Store(slope, slopes + (i * width));
        }
        var exp2 = new Exp2Polynomial<TLanes>();
        for (int i = 0; i < count; i++)
        {
            nint token = call.Reverse ? call.Tokens - 1 - (start + i) : start + i;
            TLanes delta = TLanes.Load(deltas + (i * width));
            TLanes input = delta * TLanes.Load(call.U + (token * call.UStride) + channel);
            float* b = call.B + (token * call.BStride);
            float* rate = carried + TLanes.Count;
            float* before = history + (i * row) + TLanes.Count;
            float* after = before + row;
            int n = 0;
            for (; n + 4 <= states; n += 4)
            {
                TLanes decay0 = delta * TLanes.Load(rate), decay1 = delta * TLanes.Load(rate + (3 * TLanes.Count));
                TLanes decay2 = delta * TLanes.Load(rate + (6 * TLanes.Count));
                TLanes decay3 = delta * TLanes.Load(rate + (9 * TLanes.Count));
                exp2.Of(ref decay0, ref decay1, ref decay2, ref decay3);
                TLanes input0 = input * TLanes.Create(b[n]), input1 = input * TLanes.Create(b[n + 1]);
                TLanes input2 = input * TLanes.Create(b[n + 2]), input3 = input * TLanes.Create(b[n + 3]);
                TLanes.Store(decay0, after - TLanes.Count);
                TLanes.Store(TLanes.MultiplyAdd(decay0, TLanes.Load(before), input0), after);
                TLanes.Store(decay1, after + TLanes.Count);
                TLanes.Store(
                    TLanes.MultiplyAdd(decay1, TLanes.Load(before + (2 * TLanes.Count)), input1),
                    after + (2 * TLanes.Count));
                TLanes.Store(decay2, after + (3 * TLanes.Count));
                TLanes.Store(
                    TLanes.MultiplyAdd(decay2, TLanes.Load(before + (4 * TLanes.Count)), input2),
                    after + (4 * TLanes.Count));
                TLanes.Store(decay3, after + (5 * TLanes.Count));
                TLanes.Store(
                    TLanes.MultiplyAdd(decay3, TLanes.Load(before + (6 * TLanes.Count)), input3),
                    after + (6 * TLanes.Count));
                before += 8 * TLanes.Count;
                after += 8 * TLanes.Count;
                rate += 12 * TLanes.Count;
            }
            for (; n < states; n++)
            {
                TLanes decay = exp2.Of(delta * TLanes.Load(rate));
                TLanes.Store(decay, after - TLanes.Count);
                TLanes.Store(TLanes.MultiplyAdd(decay, TLanes.Load(before), input * TLanes.Create(b[n])), after);
                before += 2 * TLanes.Count;
                after += 2 * TLanes.Count;
                rate += 3 * TLanes.Count;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WriteSums<TLanes>(in SelectiveScanGradientCall call, int start, int count, float* sums)
        where TLanes : struct, ILanes<TLanes>
    {
        int states = call.Forward.States;
        for (int i = 0; i < count; i++)
        {
            nint token = call.Forward.Reverse ? call.Forward.Tokens - 1 - (start + i) : start + i;
            float* b = call.Gradients.B + (token * call.Gradients.BStride);
            float* c = call.Gradients.C + (token * call.Gradients.CStride);
            for (int n = 0; n < states; n++, sums += 2 * TLanes.Count)
            {
                b[n] = TLanes.Sum(TLanes.Load(sums));
                c[n] = TLanes.Sum(TLanes.Load(sums + TLanes.Count));
            }
        }
    }
}
