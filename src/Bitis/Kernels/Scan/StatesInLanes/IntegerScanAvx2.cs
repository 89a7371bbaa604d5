using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Bitis.Kernels.Scan.StatesInLanes;

/// <summary>The form of <see cref="IntegerScan"/> for processors without permutations of whole tables.</summary>
/// <remarks>
/// A register of 256 bits holds 16 states of one channel as 16-bit numbers. The code of Δ selects all of their Ā at
/// once: a row, which was built before for each code that occurs.
/// <code>
///   Ā         row[codeΔ[e]]              one load
///   h         Ā ∗ h + v[e] ∗ B           rounding high products, saturating sum; an offset, and the lower bits cut off
///   sums      h[e]·C, h[e+1]·C           two channels' pairs interleaved; multiply-adds of neighbors; transposed sums
/// </code>
/// With one state, channels are in the lanes instead: 8 channels, each with its state and a lane that is 0. Two
/// registers advance side by side.
/// </remarks>
internal static unsafe class IntegerScanAvx2
{
    private const int Channels = ScanBlockScratch.BlockChannels, States = ScanBlockScratch.BlockStates;

    private const int TokenNumbers = ScanBlockScratch.TokenNumbers, Alignment = 64;

    /// <summary>
    /// Scans the channels from <paramref name="channelStart"/> to before <paramref name="channelEnd"/>, both multiples
    /// of 16.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd)
    {
        int bytes = new ScanBlockScratch(null, scan, call.Tokens).Bytes;
        byte* memory = stackalloc byte[bytes + Alignment];
        var scratch = new ScanBlockScratch(
            (byte*)(((nint)memory + Alignment - 1) & -Alignment), scan, call.Tokens);
        for (int channel = channelStart; channel < channelEnd; channel += scratch.Channels)
            ScanChannels(scan, in call, channel, Math.Min(channel + scratch.Channels, channelEnd), in scratch);
    }

    /// <summary>Some channels through all tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanChannels(
        PackedScan scan, in IntegerScanCall call, int channelStart, int channelEnd, in ScanBlockScratch scratch)
    {
        int lanes = scratch.StateLanes, step = scan.States == 1 ? 2 * Channels : Channels;
        new Span<short>(scratch.States, (channelEnd - channelStart) * lanes).Clear();
        for (int start = 0; start < call.Tokens; start += scratch.Span)
        {
            int count = Math.Min(scratch.Span, call.Tokens - start);
            ScanBlockTokens.QuantizeStates(scan, in call, start, count, in scratch);
            short* states = scratch.States;
            for (int channel = channelStart; channel < channelEnd; channel += step)
            {
                if (scan.States == 1)
                    ScanPair(scan, in call, start, count, channel, states, in scratch);
                else
                    ScanBlock(scan, in call, start, count, channel, states, in scratch);
                states += step * lanes;
            }
        }
    }

    /// <summary>A span of tokens of eight channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanBlock(
        PackedScan scan,
        in IntegerScanCall call,
        int spanStart,
        int spanCount,
        int channel,
        short* states,
        in ScanBlockScratch scratch)
    {
        int lanes = scratch.StateLanes, end = spanStart + spanCount;
        ForgetRows(scan, in scratch);
        for (int start = spanStart; start < end; start += scratch.Chunk)
        {
            int chunkEnd = Math.Min(start + scratch.Chunk, end);
            for (int t = start, next; t < chunkEnd; t = next)
            {
                next = Math.Min(scan.GroupEnds[t], chunkEnd);
                int* tokens = scratch.Tokens + ((t - start) * TokenNumbers);
                ScanBlockTokens.Prepare(scan, in call, t, next - t, channel, tokens, scratch.Levels);
            }
            for (int n = 0; n < lanes; n += States)
            {
                // Rows of few states serve all chunks.
                if (lanes > States)
                    new Span<int>(scratch.Built, 2 * Channels).Clear();
                DecayRows.Build(scan, channel, n, in scratch);
                for (int t = start, next; t < chunkEnd; t = next)
                {
                    next = Math.Min(scan.GroupEnds[t], chunkEnd);
                    RescaleIfGroupBegins(scan, t, states + n, lanes, Channels);
                    ScanTokens(
                        scan,
                        in call,
                        t,
                        next - t,
                        channel,
                        scratch.Rows,
                        scratch.Tokens + ((t - start) * TokenNumbers),
                        scratch.B + ((t - spanStart) * ScanBlockScratch.StateKinds * lanes) + n,
                        lanes,
                        states + n,
                        isFirst: n == 0,
                        isLast: n + States == lanes);
                }
            }
        }
    }

    /// <summary>Starts with other channels: no levels of Δ, and no rows.</summary>
    private static void ForgetRows(PackedScan scan, in ScanBlockScratch scratch)
    {
        new Span<int>(scratch.Levels, Channels).Fill(scan.Delta.MaxLevel);
        new Span<int>(scratch.Levels + Channels, Channels).Clear();
        new Span<int>(scratch.Built, 2 * Channels).Clear();
    }

    /// <summary>The recurrence of 16 states of eight channels, and y if these are the last states.</summary>
    /// <remarks>
    /// Eight registers of states stay where they are. Of the sums, at most three registers live at a time.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokens(
        PackedScan scan,
        in IntegerScanCall call,
        int token,
        int count,
        int channel,
        byte* rows,
        int* tokens,
        short* b,
        nint lanes,
        short* states,
        bool isFirst,
        bool isLast)
    {
        nint row = call.Reverse ? call.Tokens - 1 - token : token;
        nint step = call.Reverse ? -call.YStride : call.YStride;
        float* y = call.Y + (row * call.YStride) + channel, scales = scan.CScale + token;
        float* factors = scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel;
        bool accumulate = call.Accumulate;
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        Vector256<short> h0 = Vector256.Load(states), h1 = Vector256.Load(states + lanes);
        Vector256<short> h2 = Vector256.Load(states + (2 * lanes)), h3 = Vector256.Load(states + (3 * lanes));
        Vector256<short> h4 = Vector256.Load(states + (4 * lanes)), h5 = Vector256.Load(states + (5 * lanes));
        Vector256<short> h6 = Vector256.Load(states + (6 * lanes)), h7 = Vector256.Load(states + (7 * lanes));
        for (; count > 0; count--)
        {
            short* c = b + lanes, o = c + (2 * lanes);
            h0 = UpdateState(rows, tokens, 0, h0, b, o, mask);
            h1 = UpdateState(rows, tokens, 1, h1, b, o, mask);
            Vector256<long> sum01 = Products(h0, h1, c, lanes);
            h2 = UpdateState(rows, tokens, 2, h2, b, o, mask);
            h3 = UpdateState(rows, tokens, 3, h3, b, o, mask);
            Vector256<long> sum23 = Products(h2, h3, c, lanes);
            Vector256<int> lower = Avx2.UnpackLow(sum01, sum23).AsInt32() + Avx2.UnpackHigh(sum01, sum23).AsInt32();
            h4 = UpdateState(rows, tokens, 4, h4, b, o, mask);
            h5 = UpdateState(rows, tokens, 5, h5, b, o, mask);
            sum01 = Products(h4, h5, c, lanes);
            h6 = UpdateState(rows, tokens, 6, h6, b, o, mask);
            h7 = UpdateState(rows, tokens, 7, h7, b, o, mask);
            sum23 = Products(h6, h7, c, lanes);
            Vector256<int> upper = Avx2.UnpackLow(sum01, sum23).AsInt32() + Avx2.UnpackHigh(sum01, sum23).AsInt32();
            Vector256<int> sum = Avx2.Permute2x128(lower, upper, 0x20) + Avx2.Permute2x128(lower, upper, 0x31);
            if (!isFirst)
                sum += Vector256.Load(tokens + ScanBlockScratch.Sums);
            if (isLast)
                Write(sum, factors, *scales, (float*)tokens + ScanBlockScratch.Skips, y, accumulate);
            else
                sum.Store(tokens + ScanBlockScratch.Sums);
            tokens += TokenNumbers;
            b += ScanBlockScratch.StateKinds * lanes;
            scales++;
            y += step;
        }
        h0.Store(states);
        h1.Store(states + lanes);
        h2.Store(states + (2 * lanes));
        h3.Store(states + (3 * lanes));
        h4.Store(states + (4 * lanes));
        h5.Store(states + (5 * lanes));
        h6.Store(states + (6 * lanes));
        h7.Store(states + (7 * lanes));
    }

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)) of a channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> UpdateState(
        byte* rows, int* tokens, int channel, Vector256<short> h, short* b, short* offsets, Vector256<short> mask)
    {
        nint place = ((ushort*)tokens)[(2 * channel) + 1];
        byte* row = rows + (place * Channels) + (channel * DecaySlices.RowBytes);
        Vector256<short> decay = Vector256.Load((short*)row);
        Vector256<short> input = Vector256.Create(tokens[ScanBlockScratch.V + channel]).AsInt16();
        h = Avx2.AddSaturate(
            Avx2.MultiplyHighRoundScale(h, decay), Avx2.MultiplyHighRoundScale(input, Vector256.Load(b)));
        return Avx2.AddSaturate(h, Vector256.Load(offsets)) & mask;
    }

    /// <summary>h·C of two channels, partly summed: four sums of each, as neighbors in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<long> Products(Vector256<short> h, Vector256<short> g, short* c, nint lanes)
    {
        Vector256<int> first = Avx2.UnpackLow(h.AsInt32(), g.AsInt32());
        Vector256<int> second = Avx2.UnpackHigh(h.AsInt32(), g.AsInt32());
        return (Avx2.MultiplyAddAdjacent(first.AsInt16(), Vector256.Load(c))
            + Avx2.MultiplyAddAdjacent(second.AsInt16(), Vector256.Load(c + lanes))).AsInt64();
    }

    /// <summary>y of eight channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(
        Vector256<int> sums, float* factors, float scale, float* skips, float* target, bool accumulate)
    {
        Vector256<float> y = Vector256.ConvertToSingle(sums) * Vector256.Load(factors) * Vector256.Create(scale);
        y += Vector256.Load(skips);
        (accumulate ? Vector256.Load(target) + y : y).Store(target);
    }

    /// <summary>A span of tokens of 16 channels with one state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanPair(
        PackedScan scan,
        in IntegerScanCall call,
        int spanStart,
        int spanCount,
        int channel,
        short* states,
        in ScanBlockScratch scratch)
    {
        int* tokens = scratch.Tokens;
        int half = scratch.Chunk * TokenNumbers;
        for (int t = spanStart, next; t < spanStart + spanCount; t = next)
        {
            next = Math.Min(scan.GroupEnds[t], Math.Min(t + scratch.Chunk, spanStart + spanCount));
            ScanBlockTokens.Prepare(scan, in call, t, next - t, channel, tokens, scratch.Levels);
            LookUpDecays(scan, channel, next - t, tokens);
            ScanBlockTokens.Prepare(scan, in call, t, next - t, channel + Channels, tokens + half, scratch.Levels);
            LookUpDecays(scan, channel + Channels, next - t, tokens + half);
            RescaleIfGroupBegins(scan, t, states, States, 2);
            int* b = (int*)scratch.B + ((t - spanStart) * ScanBlockScratch.StateKinds);
            ScanTokensOfOneState(scan, in call, t, next - t, channel, tokens, half, b, states);
        }
    }

    /// <summary>Ā of eight channels with one state, in the place of the codes of Δ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void LookUpDecays(PackedScan scan, int channel, int count, int* tokens)
    {
        short* table = scan.Slices.Table - scan.Slices.LowestRate;
        Vector256<int> rates = Avx2.ConvertToVector256Int32(scan.RateCodes + channel);
        for (; count > 0; count--)
        {
            Vector256<ulong> pairs = (Vector256.ShiftRightLogical(Vector256.Load(tokens), 16) + rates).AsUInt64();
            ulong pair01 = pairs.GetLower().ToScalar(), pair23 = pairs.GetLower().GetElement(1);
            ulong pair45 = pairs.GetUpper().ToScalar(), pair67 = pairs.GetUpper().GetElement(1);
            tokens[0] = table[(int)pair01];
            tokens[1] = table[(int)(pair01 >> 32)];
            tokens[2] = table[(int)pair23];
            tokens[3] = table[(int)(pair23 >> 32)];
            tokens[4] = table[(int)pair45];
            tokens[5] = table[(int)(pair45 >> 32)];
            tokens[6] = table[(int)pair67];
            tokens[7] = table[(int)(pair67 >> 32)];
            tokens += TokenNumbers;
        }
    }

    /// <summary>The recurrence of one state of 16 channels, and y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokensOfOneState(
        PackedScan scan,
        in IntegerScanCall call,
        int token,
        int count,
        int channel,
        int* tokens,
        nint half,
        int* b,
        short* states)
    {
        nint row = call.Reverse ? call.Tokens - 1 - token : token;
        nint step = call.Reverse ? -call.YStride : call.YStride;
        float* y = call.Y + (row * call.YStride) + channel, scales = scan.CScale + token;
        float* factors = scan.OutputFactors + ((nint)scan.Groups[token] * scan.Channels) + channel;
        bool accumulate = call.Accumulate;
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        Vector256<short> h0 = Vector256.Load(states), h1 = Vector256.Load(states + States);
        for (; count > 0; count--)
        {
            Vector256<short> bs = Vector256.Create(b[0]).AsInt16(), cs = Vector256.Create(b[1]).AsInt16();
            Vector256<short> offset = Vector256.Create(b[3]).AsInt16();
            float* skips = (float*)tokens + ScanBlockScratch.Skips;
            h0 = UpdateState(tokens, h0, bs, offset, mask);
            Write(Avx2.MultiplyAddAdjacent(h0, cs), factors, *scales, skips, y, accumulate);
            h1 = UpdateState(tokens + half, h1, bs, offset, mask);
            Write(
                Avx2.MultiplyAddAdjacent(h1, cs),
                factors + Channels,
                *scales,
                skips + half,
                y + Channels,
                accumulate);
            b += ScanBlockScratch.StateKinds;
            tokens += TokenNumbers;
            scales++;
            y += step;
        }
        h0.Store(states);
        h1.Store(states + States);
    }

    /// <summary>level(clamp16(Ā ∗ h + v ∗ B)) of eight channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> UpdateState(
        int* tokens, Vector256<short> h, Vector256<short> b, Vector256<short> offset, Vector256<short> mask)
    {
        Vector256<short> decay = Vector256.Load(tokens).AsInt16();
        Vector256<short> v = Vector256.Load(tokens + ScanBlockScratch.V).AsInt16();
        h = Avx2.AddSaturate(Avx2.MultiplyHighRoundScale(h, decay), Avx2.MultiplyHighRoundScale(v, b));
        return Avx2.AddSaturate(h, offset) & mask;
    }

    /// <summary>Gives states the scale of a token's group if it is the group's first.</summary>
    /// <param name="scan">The scan.</param>
    /// <param name="token">The token.</param>
    /// <param name="states">Registers of states.</param>
    /// <param name="stride">The distance of registers.</param>
    /// <param name="count">The number of registers.</param>
    private static void RescaleIfGroupBegins(PackedScan scan, int token, short* states, int stride, int count)
    {
        int group = scan.Groups[token];
        if (token == 0 || scan.Groups[token - 1] == group)
            return;
        Vector256<short> half = Vector256.Create((short)(1 << (scan.HiddenShift - 1)));
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        Vector256<float> lowest = Vector256.Create(-32768f), highest = Vector256.Create(32767f);
        Vector256<float> scale = Vector256.Create(scan.Rescales[group]);
        for (int i = 0; i < count; i++)
        {
            (Vector256<int> low, Vector256<int> high) = Vector256.Widen(Vector256.Load(states));
            Vector256<float> x = Avx.Min(
                Avx.Max(Vector256.Round(Vector256.ConvertToSingle(low) * scale), lowest), highest);
            Vector256<float> y = Avx.Min(
                Avx.Max(Vector256.Round(Vector256.ConvertToSingle(high) * scale), lowest), highest);
            Vector256<short> h = Vector256.Narrow(Avx.ConvertToVector256Int32(x), Avx.ConvertToVector256Int32(y));
            (Avx2.AddSaturate(h, half) & mask).Store(states);
            states += stride;
        }
    }
}
