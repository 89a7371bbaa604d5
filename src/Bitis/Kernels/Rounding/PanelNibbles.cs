using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Bitis.Kernels.Dispatch;

namespace Bitis.Kernels.Rounding;

/// <summary>Packs signed numbers of 4 bits, two to a byte.</summary>
/// <remarks>Byte i holds number i in its low half and number count + i in its high half.</remarks>
internal static unsafe class PanelNibbles
{
    /// <summary>Packs twice as many numbers as bytes.</summary>
    /// <param name="numbers">From −8 to 7 each.</param>
    /// <param name="packed">The bytes.</param>
    /// <param name="count">How many bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(sbyte* numbers, byte* packed, int count)
    {
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + 64 <= count; i += 64)
        {
            Vector512<byte> low = Vector512.Load((byte*)numbers + i), high = Vector512.Load((byte*)numbers + count + i);
            Vector512<byte> mask = Vector512.Create((byte)0xF);
            ((low & mask) | ((high & mask).AsUInt16() << 4).AsByte()).Store(packed + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<byte>.Count <= count; i += Vector128<byte>.Count)
        {
            Vector128<byte> low = Vector128.Load((byte*)numbers + i), high = Vector128.Load((byte*)numbers + count + i);
            Vector128<byte> mask = Vector128.Create((byte)0xF);
            ((low & mask) | ((high & mask).AsUInt16() << 4).AsByte()).Store(packed + i);
        }
        for (; i < count; i++)
            packed[i] = (byte)((numbers[i] & 0xF) | (numbers[count + i] << 4));
    }

    /// <summary>The opposite of <see cref="Pack"/>: (x ^ 8) − 8 extends a sign of 4 bits.</summary>
    /// <param name="packed">The bytes.</param>
    /// <param name="numbers">Twice as many.</param>
    /// <param name="count">How many bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(byte* packed, sbyte* numbers, int count)
    {
        int i = 0;
        for (bool has512 = InstructionSets.Has512; has512 && i + 64 <= count; i += 64)
        {
            Vector512<byte> pairs = Vector512.Load(packed + i), low = Vector512.Create((byte)0xF);
            Vector512<byte> sign = Vector512.Create((byte)8);
            (((pairs & low) ^ sign) - sign).Store((byte*)numbers + i);
            ((((pairs.AsUInt16() >> 4).AsByte() & low) ^ sign) - sign).Store((byte*)numbers + count + i);
        }
        for (; Vector128.IsHardwareAccelerated && i + Vector128<byte>.Count <= count; i += Vector128<byte>.Count)
        {
            Vector128<byte> pairs = Vector128.Load(packed + i), low = Vector128.Create((byte)0xF);
            Vector128<byte> sign = Vector128.Create((byte)8);
            (((pairs & low) ^ sign) - sign).Store((byte*)numbers + i);
            ((((pairs.AsUInt16() >> 4).AsByte() & low) ^ sign) - sign).Store((byte*)numbers + count + i);
        }
        for (; i < count; i++)
        {
            numbers[i] = (sbyte)(((packed[i] & 0xF) ^ 8) - 8);
            numbers[count + i] = (sbyte)(((packed[i] >> 4) ^ 8) - 8);
        }
    }
}
