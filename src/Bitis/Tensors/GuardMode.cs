namespace Bitis.Tensors;

/// <summary>Where a page that nobody may touch lies beside each block of memory: a mode for tests.</summary>
internal enum GuardMode
{
    /// <summary>Nowhere.</summary>
    Off,

    /// <summary>The block begins right after it.</summary>
    Start,

    /// <summary>The block's last byte lies right before it.</summary>
    End,
}
