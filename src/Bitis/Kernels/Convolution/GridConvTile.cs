using System.Runtime.CompilerServices;
using Bitis.Kernels.Simd;

namespace Bitis.Kernels.Convolution;

/// <summary>The innermost product of <see cref="GridConv"/>: sums of a few places, two registers wide.</summary>
/// <remarks>
/// It differs from the tile of a matrix product in two ways. Each place has its own address, since places lie anywhere.
/// And sums go on where an earlier call left them, since a filter of many channels is read in pieces.
/// <code>
///                             w0     w1      per channel: 2 loads, R broadcasts, 2·R multiply-adds
///   broadcast places[0][c]    s00    s01     registers: 2·R sums + 2 weights + 1 broadcast
///   ...                       ...    ...     R is 8 with 32 registers, else 6
///   broadcast places[R−1][c]
/// </code>
/// </remarks>
internal static unsafe class GridConvTile<TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>R, how many places there are.</summary>
    public static int Places => TLanes.Has32Registers ? 8 : 6;

    /// <summary>The outputs of a tile, and the width of a panel of weights.</summary>
    public static int Outputs => 2 * TLanes.Count;

    /// <summary><c>sums[p, o] += Σ_c places[p][c]·panel[c, o]</c>, with one multiply-add for each channel.</summary>
    /// <param name="places">The addresses of the first channels, <see cref="Places"/> of them.</param>
    /// <param name="panel"><c>[channels, Outputs]</c></param>
    /// <param name="channels">How many channels are added.</param>
    /// <param name="sums"><c>[Places, Outputs]</c></param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float** places, float* panel, int channels, float* sums)
    {
        float* a0 = places[0];
        float* a1 = places[1];
        float* a2 = places[2];
        float* a3 = places[3];
        float* a4 = places[4];
        float* a5 = places[5];
        float* a6 = TLanes.Has32Registers ? places[6] : a5;
        float* a7 = TLanes.Has32Registers ? places[7] : a5;
        float* s = sums;
        TLanes s00 = TLanes.Load(s), s01 = TLanes.Load(s + TLanes.Count);
        s += Outputs;
        TLanes s10 = TLanes.Load(s), s11 = TLanes.Load(s + TLanes.Count);
        s += Outputs;
        TLanes s20 = TLanes.Load(s), s21 = TLanes.Load(s + TLanes.Count);
        s += Outputs;
        TLanes s30 = TLanes.Load(s), s31 = TLanes.Load(s + TLanes.Count);
        s += Outputs;
        TLanes s40 = TLanes.Load(s), s41 = TLanes.Load(s + TLanes.Count);
        s += Outputs;
        TLanes s50 = TLanes.Load(s), s51 = TLanes.Load(s + TLanes.Count);
        TLanes s60 = s50, s61 = s51, s70 = s50, s71 = s51;
        if (TLanes.Has32Registers)
        {
            s += Outputs;
            (s60, s61) = (TLanes.Load(s), TLanes.Load(s + TLanes.Count));
            s += Outputs;
            (s70, s71) = (TLanes.Load(s), TLanes.Load(s + TLanes.Count));
        }

        for (nint c = 0; c < channels; c++)
        {
            TLanes w0 = TLanes.Load(panel), w1 = TLanes.Load(panel + TLanes.Count);
            panel += Outputs;
            TLanes x = TLanes.LoadFactor(a0 + c);
            s00 = TLanes.MultiplyAddFactor(x, w0, s00);
            s01 = TLanes.MultiplyAddFactor(x, w1, s01);
            x = TLanes.LoadFactor(a1 + c);
            s10 = TLanes.MultiplyAddFactor(x, w0, s10);
            s11 = TLanes.MultiplyAddFactor(x, w1, s11);
            x = TLanes.LoadFactor(a2 + c);
            s20 = TLanes.MultiplyAddFactor(x, w0, s20);
            s21 = TLanes.MultiplyAddFactor(x, w1, s21);
            x = TLanes.LoadFactor(a3 + c);
            s30 = TLanes.MultiplyAddFactor(x, w0, s30);
            s31 = TLanes.MultiplyAddFactor(x, w1, s31);
            x = TLanes.LoadFactor(a4 + c);
            s40 = TLanes.MultiplyAddFactor(x, w0, s40);
            s41 = TLanes.MultiplyAddFactor(x, w1, s41);
            x = TLanes.LoadFactor(a5 + c);
            s50 = TLanes.MultiplyAddFactor(x, w0, s50);
            s51 = TLanes.MultiplyAddFactor(x, w1, s51);
            if (TLanes.Has32Registers)
            {
                x = TLanes.LoadFactor(a6 + c);
                s60 = TLanes.MultiplyAddFactor(x, w0, s60);
                s61 = TLanes.MultiplyAddFactor(x, w1, s61);
                x = TLanes.LoadFactor(a7 + c);
                s70 = TLanes.MultiplyAddFactor(x, w0, s70);
                s71 = TLanes.MultiplyAddFactor(x, w1, s71);
            }
        }

        Store(s00, s01, ref sums);
        Store(s10, s11, ref sums);
        Store(s20, s21, ref sums);
        Store(s30, s31, ref sums);
        Store(s40, s41, ref sums);
        Store(s50, s51, ref sums);
        if (TLanes.Has32Registers)
        {
            Store(s60, s61, ref sums);
            Store(s70, s71, ref sums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TLanes first, TLanes second, ref float* sums)
    {
        TLanes.Store(first, sums);
        TLanes.Store(second, sums + TLanes.Count);
        sums += Outputs;
    }
}
