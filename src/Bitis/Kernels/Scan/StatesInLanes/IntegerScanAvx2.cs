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
///   sums      h·C + h·C                  one multiply-add of neighbours; horizontal additions of eight channels
/// </code>
/// With one state, channels are in the lanes instead: 8 channels, each with its state and a lane that is 0. Two
/// registers advance side by side.
/// </remarks>
internal static unsafe class IntegerScanAvx2
{
    private const int Channels = ScanBlockScratch.BlockChannels, States = ScanBlockScratch.BlockStates;

    private const int Alignment = 64;

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
        bool hasFewStates = lanes == States;
        if (hasFewStates)
            DecayRows.Build(scan, channel, 0, scratch.Rows);
        for (int start = spanStart; start < end; start += scratch.Chunk)
        {
            int chunkEnd = Math.Min(start + scratch.Chunk, end);
            for (int t = start, next; t < chunkEnd; t = next)
            {
                next = EndOfGroup(scan, t, chunkEnd);
                int place = (t - start) * Channels;
                ScanBlockTokens.Prepare(
                    scan,
                    in call,
                    t,
                    next - t,
                    channel,
                    scratch.Entries + place,
                    scratch.V + place,
                    scratch.Skips + place);
            }
            for (int n = 0; n < lanes; n += States)
            {
                if (!hasFewStates)
                    DecayRows.Build(scan, channel, n, scratch.Rows);
                for (int t = start, next; t < chunkEnd; t = next)
                {
                    next = EndOfGroup(scan, t, chunkEnd);
                    int place = (t - start) * Channels;
                    RescaleIfGroupBegins(scan, t, states + n, lanes, Channels);
                    ScanTokens(
                        scan,
                        scratch.Rows,
                        scratch.Entries + place,
                        scratch.V + place,
                        scratch.B + ((t - spanStart) * 3 * lanes) + n,
                        lanes,
                        next - t,
                        states + n,
                        scratch.Sums + place,
                        isFirst: n == 0);
                }
            }
            for (int t = start, next; t < chunkEnd; t = next)
            {
                next = EndOfGroup(scan, t, chunkEnd);
                int place = (t - start) * Channels;
                ScanBlockTokens.Write(
                    scan, in call, t, next - t, channel, scratch.Sums + place, scratch.Skips + place);
            }
        }
    }

    /// <summary>The recurrence of 16 states of eight channels.</summary>
    /// <remarks>
    /// Eight registers of states stay where they are. Of the sums, at most three registers live at a time.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokens(
        PackedScan scan,
        byte* rows,
        uint* entries,
        int* v,
        short* b,
        nint lanes,
        int count,
        short* states,
        int* sums,
        bool isFirst)
    {
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        Vector256<short> h0 = Vector256.Load(states), h1 = Vector256.Load(states + lanes);
        Vector256<short> h2 = Vector256.Load(states + (2 * lanes)), h3 = Vector256.Load(states + (3 * lanes));
        Vector256<short> h4 = Vector256.Load(states + (4 * lanes)), h5 = Vector256.Load(states + (5 * lanes));
        Vector256<short> h6 = Vector256.Load(states + (6 * lanes)), h7 = Vector256.Load(states + (7 * lanes));
        ushort* places = (ushort*)entries + 1;
        for (; count > 0; count--)
        {
            short* c = b + lanes, o = c + lanes;
            h0 = UpdateState(rows, places, v, 0, h0, b, o, mask);
            h1 = UpdateState(rows, places, v, 1, h1, b, o, mask);
            Vector256<int> sum01 = Avx2.HorizontalAdd(Products(h0, c), Products(h1, c));
            h2 = UpdateState(rows, places, v, 2, h2, b, o, mask);
            h3 = UpdateState(rows, places, v, 3, h3, b, o, mask);
            Vector256<int> sum23 = Avx2.HorizontalAdd(Products(h2, c), Products(h3, c));
            Vector256<int> lower = Avx2.HorizontalAdd(sum01, sum23);
            h4 = UpdateState(rows, places, v, 4, h4, b, o, mask);
            h5 = UpdateState(rows, places, v, 5, h5, b, o, mask);
            sum01 = Avx2.HorizontalAdd(Products(h4, c), Products(h5, c));
            h6 = UpdateState(rows, places, v, 6, h6, b, o, mask);
            h7 = UpdateState(rows, places, v, 7, h7, b, o, mask);
            sum23 = Avx2.HorizontalAdd(Products(h6, c), Products(h7, c));
            Vector256<int> upper = Avx2.HorizontalAdd(sum01, sum23);
            Vector256<int> sum = Avx2.Permute2x128(lower, upper, 0x20) + Avx2.Permute2x128(lower, upper, 0x31);
            (isFirst ? sum : sum + Vector256.Load(sums)).Store(sums);
            places += 2 * Channels;
            v += Channels;
            b += 3 * lanes;
            sums += Channels;
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
        byte* rows,
        ushort* places,
        int* v,
        int channel,
        Vector256<short> h,
        short* b,
        short* offsets,
        Vector256<short> mask)
    {
        byte* row = rows + ((nint)places[2 * channel] * Channels) + (channel * DecaySlices.RowBytes);
        Vector256<short> decay = Vector256.Load((short*)row), input = Vector256.Create(v[channel]).AsInt16();
        h = Avx2.AddSaturate(
            Avx2.MultiplyHighRoundScale(h, decay), Avx2.MultiplyHighRoundScale(input, Vector256.Load(b)));
        return Avx2.AddSaturate(h, Vector256.Load(offsets)) & mask;
    }

    /// <summary>h·C, neighbours added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<short> h, short* c) =>
        Avx2.MultiplyAddAdjacent(h, Vector256.Load(c));

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
        int half = scratch.Chunk * Channels;
        for (int t = spanStart, next; t < spanStart + spanCount; t = next)
        {
            next = EndOfGroup(scan, t, Math.Min(t + scratch.Chunk, spanStart + spanCount));
            for (int i = 0; i < 2; i++)
            {
                uint* entries = scratch.Entries + (i * half);
                ScanBlockTokens.Prepare(
                    scan,
                    in call,
                    t,
                    next - t,
                    channel + (i * Channels),
                    entries,
                    scratch.V + (i * half),
                    scratch.Skips + (i * half));
                LookUpDecays(scan, channel + (i * Channels), next - t, entries);
            }
            RescaleIfGroupBegins(scan, t, states, States, 2);
            ScanTokensOfOneState(scan, t - spanStart, next - t, states, in scratch, half);
            for (int i = 0; i < 2; i++)
            {
                ScanBlockTokens.Write(
                    scan,
                    in call,
                    t,
                    next - t,
                    channel + (i * Channels),
                    scratch.Sums + (i * half),
                    scratch.Skips + (i * half));
            }
        }
    }

    /// <summary>Ā of eight channels with one state, in the place of the codes of Δ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void LookUpDecays(PackedScan scan, int channel, int count, uint* entries)
    {
        short* table = scan.Slices.Table - scan.Slices.LowestRate;
        for (int e = 0; e < Channels; e++)
        {
            short* slice = table + scan.RateCodes[channel + e];
            uint* entry = entries + e;
            for (int i = 0; i < count; i++)
            {
                *entry = (ushort)slice[*entry >> 16];
                entry += Channels;
            }
        }
    }

    /// <summary>The recurrence of one state of 16 channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ScanTokensOfOneState(
        PackedScan scan, int token, int count, short* states, in ScanBlockScratch scratch, int half)
    {
        Vector256<short> mask = Vector256.Create((short)(-1 << scan.HiddenShift));
        Vector256<short> h0 = Vector256.Load(states), h1 = Vector256.Load(states + States);
        int* b = (int*)scratch.B + (token * 3), v = scratch.V, sums = scratch.Sums;
        int* decays = (int*)scratch.Entries;
        for (; count > 0; count--)
        {
            Vector256<short> bs = Vector256.Create(b[0]).AsInt16(), cs = Vector256.Create(b[1]).AsInt16();
            Vector256<short> offset = Vector256.Create(b[2]).AsInt16();
            h0 = Avx2.AddSaturate(
                Avx2.MultiplyHighRoundScale(h0, Vector256.Load(decays).AsInt16()),
                Avx2.MultiplyHighRoundScale(bs, Vector256.Load(v).AsInt16()));
            h1 = Avx2.AddSaturate(
                Avx2.MultiplyHighRoundScale(h1, Vector256.Load(decays + half).AsInt16()),
                Avx2.MultiplyHighRoundScale(bs, Vector256.Load(v + half).AsInt16()));
            h0 = Avx2.AddSaturate(h0, offset) & mask;
            h1 = Avx2.AddSaturate(h1, offset) & mask;
            Avx2.MultiplyAddAdjacent(h0, cs).Store(sums);
            Avx2.MultiplyAddAdjacent(h1, cs).Store(sums + half);
            b += 3;
            v += Channels;
            decays += Channels;
            sums += Channels;
        }
        h0.Store(states);
        h1.Store(states + States);
    }

    /// <summary>The first token that belongs to another group, or the end.</summary>
    private static int EndOfGroup(PackedScan scan, int token, int end)
    {
        int* groups = scan.Groups;
        int next = token + 1;
        while (next < end && groups[next] == groups[token])
            next++;
        return next;
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
