namespace Bitis.Gpu.Ptx;

/// <summary>The type of a kernel's parameter.</summary>
internal enum ParameterKind
{
    /// <summary>The address of device memory.</summary>
    Pointer,

    /// <summary>An integer of 32 bits.</summary>
    Integer,
}
