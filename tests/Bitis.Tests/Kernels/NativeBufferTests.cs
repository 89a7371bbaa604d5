using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Tests.Kernels;

public sealed unsafe class NativeBufferTests
{
    [Fact]
    public void Memory_is_aligned_and_zeroed_on_request()
    {
        for (int length = 0; length < 200; length++)
        {
            using var buffer = new NativeBuffer<byte>(length, zeroed: true);
            if (GuardedMemory.Mode != GuardMode.End)
                Assert.Equal(0u, (nuint)buffer.Pointer % NativeBuffer<byte>.Alignment);
            Assert.Equal(length, buffer.Span.Length);
            Assert.Equal(-1, buffer.Span.IndexOfAnyExcept((byte)0));
            buffer.Span.Fill(255);
        }
    }

    [Fact]
    public void A_disposed_buffer_refuses_its_pointer()
    {
        var buffer = new NativeBuffer<float>(4);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer<float>(-1));
    }
}
