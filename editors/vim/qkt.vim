" Vim: copy to ~/.vim/ftdetect/qkt.vim. Files are recognised; comments and indentation are set.
augroup qkt
  autocmd!
  autocmd BufNewFile,BufRead *.qkt setfiletype qkt
  autocmd FileType qkt setlocal commentstring=--\ %s comments=:--,:# expandtab shiftwidth=4 formatprg=qkt\ fmt\ -
augroup END
