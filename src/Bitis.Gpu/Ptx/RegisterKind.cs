namespace Bitis.Gpu.Ptx;

/// <summary>What a virtual register holds.</summary>
internal enum RegisterKind
{
    /// <summary>32 bits: an integer, or packed smaller values.</summary>
    Word,

    /// <summary>64 bits: an address.</summary>
    Long,

    /// <summary>A float32.</summary>
    Float,

    /// <summary>16 bits: a float16.</summary>
    Half,

    /// <summary>A truth value.</summary>
    Predicate,
}
