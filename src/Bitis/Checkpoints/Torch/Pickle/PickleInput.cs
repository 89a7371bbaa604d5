namespace Bitis.Checkpoints.Torch.Pickle;

/// <summary>The bytes of a pickle, read ahead in pieces.</summary>
/// <remarks>Only a text or block that is itself longer takes more memory than one piece.</remarks>
/// <param name="source">Where the pickle lies.</param>
internal sealed class PickleInput(StoredBytes source)
{
    private const int PieceLength = 1 << 15;

    private byte[] _buffer = new byte[(int)Math.Min(PieceLength, source.Length)];
    private int _begin;
    private int _end;

    /// <summary>How many bytes have been taken.</summary>
    public long Position { get; private set; }

    /// <summary>How many bytes there are.</summary>
    public long Length => source.Length;

    /// <summary>How many bytes follow.</summary>
    public long Left => Length - Position;

    /// <summary>The next bytes, at most <see cref="Left"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> Take(int length)
    {
        Fill(length);
        ReadOnlySpan<byte> taken = _buffer.AsSpan(_begin, length);
        _begin += length;
        Position += length;
        return taken;
    }

    /// <summary>The distance to the next byte of this value; −1 if there is none within <paramref name="limit"/>
    /// bytes.</summary>
    public int Find(byte value, int limit)
    {
        int searched = 0;
        while (true)
        {
            int index = _buffer.AsSpan(_begin + searched, _end - _begin - searched).IndexOf(value);
            if (index >= 0)
                return searched + index;
            searched = _end - _begin;
            if (searched >= Math.Min(Left, limit))
                return -1;
            Fill((int)Math.Min(Left, Math.Max(PieceLength, 2L * searched)));
        }
    }

    /// <summary>Makes sure that this many bytes are in the buffer.</summary>
    private void Fill(int length)
    {
        int present = _end - _begin;
        if (present >= length)
            return;
        byte[] target = length <= _buffer.Length ? _buffer : new byte[length];
        Buffer.BlockCopy(_buffer, _begin, target, 0, present);
        _buffer = target;
        int count = (int)Math.Min(_buffer.Length, Left);
        source.Read(Position + present, _buffer.AsSpan(present, count - present));
        _begin = 0;
        _end = count;
    }
}
