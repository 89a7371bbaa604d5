namespace Bitis.Tensors;

/// <summary>The side of each block of memory on which an inaccessible page lies; for tests.</summary>
internal enum GuardMode
{
    /// <summary>There are no guard pages.</summary>
    Off,

    /// <summary>The block begins right after it.</summary>
    Start,

    /// <summary>The block's last byte lies right before it.</summary>
    End,
}
