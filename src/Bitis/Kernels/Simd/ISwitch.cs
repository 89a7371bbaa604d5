namespace Bitis.Kernels.Simd;

/// <summary>A choice that a kernel is compiled for, so that its innermost loop has no branch.</summary>
internal interface ISwitch
{
    /// <summary>The choice.</summary>
    static abstract bool IsOn { get; }
}
