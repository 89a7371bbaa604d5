namespace Bitis.Gpu.Emulation;

/// <summary>What is wrong with a kernel.</summary>
public enum FindingKind
{
    /// <summary>The text is not PTX as this interpreter knows it.</summary>
    Text,

    /// <summary>The launch does not fit the kernel or the device.</summary>
    Launch,

    /// <summary>Two threads use a byte, one of them writes, and nothing orders them.</summary>
    Race,

    /// <summary>A byte is used while an asynchronous copy to it may still be under way.</summary>
    CopyInFlight,

    /// <summary>An address is outside of all memory.</summary>
    OutOfBounds,

    /// <summary>An address is no multiple of the bytes that are read or written.</summary>
    Misaligned,

    /// <summary>Memory, or a register, is read that nobody has written.</summary>
    Uninitialized,

    /// <summary>Threads of a warp part where all of them must go on together.</summary>
    Divergence,

    /// <summary>Some warps wait at a barrier that others never reach.</summary>
    Barrier,

    /// <summary>A warp runs more instructions than any kernel needs: it never ends.</summary>
    Endless,
}
