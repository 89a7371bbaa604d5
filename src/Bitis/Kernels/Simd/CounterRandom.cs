namespace Bitis.Kernels.Simd;

/// <summary>Random numbers that depend on a key and a counter alone.</summary>
/// <remarks>
/// They are a 32-bit hash (Wellons' "lowbias32"). So any thread computes those of any element, and they are always the
/// same.
/// </remarks>
internal static class CounterRandom
{
    /// <summary>The first multiplier of the hash.</summary>
    public const uint FirstFactor = 0x7FEB352D;

    /// <summary>The second multiplier of the hash.</summary>
    public const uint SecondFactor = 0x846CA68B;

    /// <summary>The factor that takes <see cref="Halves"/> to [0, 1): 2⁻¹⁶.</summary>
    public const float HalfUnit = 1f / (1 << 16);

    /// <summary>32 random bits.</summary>
    public static uint Bits(uint key, uint counter)
    {
        uint x = counter ^ key;
        x = (x ^ (x >> 16)) * FirstFactor;
        x = (x ^ (x >> 15)) * SecondFactor;
        return x ^ (x >> 16);
    }

    /// <summary>Two numbers, uniform from 0 to 2¹⁶ − 1, from one hash.</summary>
    /// <remarks>This is fine enough for rounding: its mean error stays below 2⁻¹⁶ of a level.</remarks>
    public static (int First, int Second) Halves(uint key, uint counter)
    {
        uint bits = Bits(key, counter);
        return ((int)(bits & 0xFFFF), (int)(bits >> 16));
    }

    /// <summary>A separate key for a part of a job.</summary>
    public static uint Key(uint key, uint part) => Bits(key ^ 0x9E3779B9, part);
}
